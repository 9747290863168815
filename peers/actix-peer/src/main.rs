//! actix 0.13: actors live on arbiters (one thread each). mt2 = the system's thread runs the
//! callers, a second arbiter's thread runs the actors (64 actors: one half on each);
//! ct = everything on the system's thread.
use actix::prelude::*;
use harness::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;
use tokio::sync::mpsc;

static ARBS: OnceLock<Vec<ArbiterHandle>> = OnceLock::new();
static NEXT: AtomicUsize = AtomicUsize::new(0);
static TWO: AtomicBool = AtomicBool::new(false);
static GEN: AtomicU64 = AtomicU64::new(0);

struct Counter(u64);
impl Actor for Counter {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Self::Context) {}
}
#[derive(Message)]
#[rtype(result = "u64")]
struct Call(u64);
#[derive(Message)]
#[rtype(result = "()")]
struct Cast(u64);
#[derive(Message)]
#[rtype(result = "()")]
struct Stop(tokio::sync::oneshot::Sender<()>);
impl Handler<Call> for Counter {
    type Result = u64;
    fn handle(&mut self, m: Call, _: &mut Self::Context) -> u64 {
        self.0 += m.0;
        self.0
    }
}
impl Handler<Cast> for Counter {
    type Result = ();
    fn handle(&mut self, m: Cast, _: &mut Self::Context) {
        self.0 += m.0;
    }
}
/// Dropped when the context has stopped: the sender in it then wakes the waiter.
impl Handler<Stop> for Counter {
    type Result = ();
    fn handle(&mut self, m: Stop, ctx: &mut Self::Context) {
        ctx.stop();
        drop(m.0);
    }
}

struct Node {
    next: Option<Recipient<Token>>,
    done: mpsc::UnboundedSender<()>,
}
impl Actor for Node {
    type Context = Context<Self>;
}
#[derive(Message)]
#[rtype(result = "()")]
struct Token(u64);
#[derive(Message)]
#[rtype(result = "()")]
struct Next(Recipient<Token>);
impl Handler<Token> for Node {
    type Result = ();
    fn handle(&mut self, m: Token, _: &mut Self::Context) {
        if m.0 == 0 {
            let _ = self.done.send(());
        } else {
            self.next.as_ref().unwrap().do_send(Token(m.0 - 1));
        }
    }
}
impl Handler<Next> for Node {
    type Result = ();
    fn handle(&mut self, m: Next, _: &mut Self::Context) {
        self.next = Some(m.0);
    }
}

/// actix restarts a supervised actor that stops itself; a panic takes its arbiter down,
/// so the figure is for a stop, not for a panic.
struct Kid(u64);
impl Actor for Kid {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Self::Context) {
        self.0 = GEN.fetch_add(1, Relaxed) + 1;
    }
}
impl Supervised for Kid {}
#[derive(Message)]
#[rtype(result = "()")]
struct Die;
impl Handler<Die> for Kid {
    type Result = ();
    fn handle(&mut self, _: Die, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
impl Handler<Call> for Kid {
    type Result = u64;
    fn handle(&mut self, _: Call, _: &mut Self::Context) -> u64 {
        self.0
    }
}

fn arb() -> ArbiterHandle {
    let a = ARBS.get().unwrap();
    if TWO.load(Relaxed) {
        a[NEXT.fetch_add(1, Relaxed) % a.len()].clone()
    } else {
        a[a.len() - 1].clone()
    }
}

struct P;
impl Local for P {
    const NAME: &'static str = "actix";
    type Counter = Addr<Counter>;
    type Ring = Addr<Node>;
    async fn spawn() -> Self::Counter {
        Counter::start_in_arbiter(&arb(), |_| Counter(0))
    }
    async fn call(c: &Self::Counter, v: u64) -> u64 {
        c.send(Call(v)).await.unwrap()
    }
    async fn cast(c: &Self::Counter, v: u64) {
        c.do_send(Cast(v));
    }
    async fn stop(c: Self::Counter) {
        let (tx, rx) = tokio::sync::oneshot::channel();
        c.do_send(Stop(tx));
        let _ = rx.await;
    }
    async fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> Self::Ring {
        let v: Vec<_> = (0..n)
            .map(|_| {
                let done = done.clone();
                Node::start_in_arbiter(&arb(), move |_| Node { next: None, done })
            })
            .collect();
        for i in 0..n {
            v[i].send(Next(v[(i + 1) % n].clone().recipient()))
                .await
                .unwrap();
        }
        v[0].clone()
    }
    async fn kick(r: &Self::Ring, hops: u64) {
        r.do_send(Token(hops));
    }
    async fn restarts(n: usize) -> Option<Vec<u64>> {
        let a = Supervisor::start_in_arbiter(&arb(), |_| Kid(0));
        let mut g = a.send(Call(0)).await.unwrap();
        let mut out = Vec::new();
        for _ in 0..n {
            let t = Instant::now();
            a.do_send(Die);
            loop {
                match a.send(Call(0)).await {
                    Ok(x) if x > g => {
                        g = x;
                        break;
                    }
                    _ => tokio::task::yield_now().await,
                }
            }
            out.push(t.elapsed().as_nanos() as u64);
        }
        Some(out)
    }
    fn block_on<F: Future<Output = ()> + Send + 'static>(rt: &str, f: F) {
        let sys = System::new();
        let mt = rt != "ct";
        sys.block_on(async move {
            let mut v = vec![Arbiter::current()];
            if mt {
                v.push(Arbiter::new().handle());
            }
            ARBS.set(v).ok();
            tokio::spawn(f).await.unwrap();
        });
        std::process::exit(0);
    }
}
fn main() {
    if arg("--spread").is_some() {
        TWO.store(true, Relaxed);
    }
    local_main::<P>()
}
