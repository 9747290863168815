//! kameo 0.22, default features. Default mailbox is bounded at 64 (senders wait);
//! `--mailbox unbounded` measures the unbounded one.
use harness::*;
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

#[derive(Actor)]
struct Counter(u64);
struct Call(u64);
struct Cast(u64);
impl Message<Call> for Counter {
    type Reply = u64;
    async fn handle(&mut self, m: Call, _: &mut Context<Self, u64>) -> u64 {
        self.0 += m.0;
        self.0
    }
}
impl Message<Cast> for Counter {
    type Reply = ();
    async fn handle(&mut self, m: Cast, _: &mut Context<Self, ()>) {
        self.0 += m.0;
    }
}

#[derive(Actor)]
struct Node(Option<ActorRef<Node>>, mpsc::UnboundedSender<()>);
struct Next(ActorRef<Node>);
struct Token(u64);
impl Message<Next> for Node {
    type Reply = ();
    async fn handle(&mut self, m: Next, _: &mut Context<Self, ()>) {
        self.0 = Some(m.0);
    }
}
impl Message<Token> for Node {
    type Reply = ();
    async fn handle(&mut self, m: Token, _: &mut Context<Self, ()>) {
        if m.0 == 0 {
            let _ = self.1.send(());
        } else {
            let _ = self.0.as_ref().unwrap().tell(Token(m.0 - 1)).await;
        }
    }
}

static GEN: AtomicU64 = AtomicU64::new(0);
struct Sup;
impl Actor for Sup {
    type Args = ();
    type Error = Infallible;
    async fn on_start(_: (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Sup)
    }
}
#[derive(Clone)]
struct Kid(u64);
impl Actor for Kid {
    type Args = Self;
    type Error = Infallible;
    async fn on_start(_: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Kid(GEN.fetch_add(1, Relaxed) + 1))
    }
}
struct Die;
impl Message<Die> for Kid {
    type Reply = ();
    async fn handle(&mut self, _: Die, _: &mut Context<Self, ()>) {
        panic!("told to")
    }
}
impl Message<Call> for Kid {
    type Reply = u64;
    async fn handle(&mut self, _: Call, _: &mut Context<Self, u64>) -> u64 {
        self.0
    }
}

struct P<const UNB: bool>;
impl<const UNB: bool> Local for P<UNB> {
    const NAME: &'static str = if UNB { "kameo:unbounded" } else { "kameo" };
    type Counter = ActorRef<Counter>;
    type Ring = ActorRef<Node>;
    async fn spawn() -> Self::Counter {
        if UNB {
            Counter::spawn_with_mailbox(Counter(0), mailbox::unbounded())
        } else {
            Counter::spawn(Counter(0))
        }
    }
    async fn call(c: &Self::Counter, v: u64) -> u64 {
        c.ask(Call(v)).await.unwrap()
    }
    async fn cast(c: &Self::Counter, v: u64) {
        c.tell(Cast(v)).await.unwrap();
    }
    async fn stop(c: Self::Counter) {
        let _ = c.stop_gracefully().await;
        c.wait_for_shutdown().await;
    }
    async fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> Self::Ring {
        let v: Vec<_> = (0..n)
            .map(|_| {
                let s = Node(None, done.clone());
                if UNB {
                    Node::spawn_with_mailbox(s, mailbox::unbounded())
                } else {
                    Node::spawn(s)
                }
            })
            .collect();
        for i in 0..n {
            v[i].ask(Next(v[(i + 1) % n].clone())).await.unwrap();
        }
        v[0].clone()
    }
    async fn kick(r: &Self::Ring, hops: u64) {
        r.tell(Token(hops)).await.unwrap();
    }
    async fn restarts(n: usize) -> Option<Vec<u64>> {
        let sup = Sup::spawn(());
        let k = Kid::supervise(&sup, Kid(0))
            .restart_limit(u32::MAX, Duration::from_secs(1))
            .spawn()
            .await;
        let mut g = k.ask(Call(0)).await.unwrap();
        let mut out = Vec::new();
        for _ in 0..n {
            let t = Instant::now();
            let _ = k.tell(Die).await;
            loop {
                match k.ask(Call(0)).await {
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
}
fn main() {
    if arg("--mailbox").as_deref() == Some("unbounded") {
        local_main::<P<true>>()
    } else {
        local_main::<P<false>>()
    }
}
