//! noex with its defaults: bounded mailbox, a deadline of 5 s for each call, links, tracing.

use std::sync::OnceLock;
use std::time::Instant;

use harness::{Local, local_main, tokio_rt};
use noex::prelude::*;
use noex::{ChildSpec, LocalNode};
use tokio::sync::{mpsc, watch};

/// The one node; a bench has no other.
static NODE: OnceLock<LocalNode> = OnceLock::new();

fn node() -> &'static LocalNode {
    NODE.get().expect("block_on starts it")
}

struct Counter(u64);

#[derive(Serialize, Deserialize)]
enum CounterCall {
    Add(u64, ReplyTo<u64>),
}

#[derive(Serialize, Deserialize)]
enum CounterCast {
    Add(u64),
    Panic,
}

impl GenServer for Counter {
    type Args = Option<noex::Local<watch::Sender<Option<ServerRef<Counter>>>>>;
    type Call = CounterCall;
    type Cast = CounterCast;

    async fn init(born: Self::Args, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        if let Some(born) = born {
            born.send_replace(Some(cx.this()));
        }
        Ok(Self(0))
    }

    async fn handle_call(&mut self, call: CounterCall, _cx: &mut Context<Self>) -> Flow {
        let CounterCall::Add(add, reply) = call;
        self.0 += add;
        reply.send(self.0);
        Flow::Continue
    }

    async fn handle_cast(&mut self, cast: CounterCast, _cx: &mut Context<Self>) -> Flow {
        match cast {
            CounterCast::Add(add) => self.0 += add,
            CounterCast::Panic => panic!("told to"),
        }
        Flow::Continue
    }
}

/// One of a ring: passes the token on, or says that it has come to its end.
struct Hop {
    next: Option<ServerRef<Hop>>,
    done: mpsc::UnboundedSender<()>,
}

#[derive(Serialize, Deserialize)]
enum HopCast {
    Next(ServerRef<Hop>),
    Token(u64),
}

impl GenServer for Hop {
    type Args = mpsc::UnboundedSender<()>;
    type Call = ();
    type Cast = HopCast;

    async fn init(done: Self::Args, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self { next: None, done })
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_cast(&mut self, cast: HopCast, _cx: &mut Context<Self>) -> Flow {
        match (cast, &self.next) {
            (HopCast::Next(next), _) => self.next = Some(next),
            (HopCast::Token(0), _) => {
                let _ = self.done.send(());
            }
            (HopCast::Token(hops), Some(next)) => {
                next.cast(HopCast::Token(hops - 1))
                    .expect("the ring stands");
            }
            (HopCast::Token(_), None) => {}
        }
        Flow::Continue
    }
}

struct P;

impl Local for P {
    const NAME: &'static str = "noex";
    type Counter = ServerRef<Counter>;
    type Ring = ServerRef<Hop>;

    async fn spawn() -> Self::Counter {
        Counter::start(None).on(node()).await.expect("it starts")
    }

    async fn call(counter: &Self::Counter, add: u64) -> u64 {
        counter
            .call(|reply| CounterCall::Add(add, reply))
            .await
            .expect("it answers")
    }

    async fn cast(counter: &Self::Counter, add: u64) {
        let mut message = CounterCast::Add(add);
        // The mailbox is bounded: a producer that is too fast waits.
        while let Err(refused) = counter.cast(message) {
            message = refused.into_message();
            tokio::task::yield_now().await;
        }
    }

    async fn stop(counter: Self::Counter) {
        counter.stop().await.expect("it stops");
    }

    async fn ring(size: usize, done: mpsc::UnboundedSender<()>) -> Self::Ring {
        let mut hops = Vec::new();
        for _ in 0..size {
            hops.push(
                Hop::start(done.clone())
                    .on(node())
                    .await
                    .expect("it starts"),
            );
        }
        for (index, hop) in hops.iter().enumerate() {
            let next = hops[(index + 1) % size].clone();
            hop.cast(HopCast::Next(next)).expect("it runs");
        }
        hops.swap_remove(0)
    }

    async fn kick(ring: &Self::Ring, hops: u64) {
        ring.cast(HopCast::Token(hops)).expect("the ring stands");
    }

    async fn restarts(count: usize) -> Option<Vec<u64>> {
        let (born, mut births) = watch::channel(None);
        let child = move || Counter::start(Some(noex::Local(born.clone()))).on(node());
        let supervisor = Supervisor::builder()
            .intensity(count + 1, std::time::Duration::from_secs(3_600))
            .child(ChildSpec::new("counter", child));
        let _supervisor = supervisor.start().on(node()).await.expect("it starts");
        let mut times = Vec::new();
        for _ in 0..count {
            let counter = births.borrow_and_update().clone().expect("it is born");
            let begun = Instant::now();
            let _ = counter.cast(CounterCast::Panic);
            births.changed().await.expect("the supervisor restarts it");
            let counter = births.borrow().clone().expect("it is born");
            Self::call(&counter, 1).await;
            times.push(begun.elapsed().as_nanos() as u64);
        }
        Some(times)
    }

    fn block_on<F: Future<Output = ()> + Send + 'static>(rt: &str, work: F) {
        let runtime = tokio_rt(rt);
        runtime.block_on(async move {
            let id = "peer@127.0.0.1:1".parse().expect("it is an id");
            let _ = NODE.set(LocalNode::start(id));
            tokio::spawn(work).await.expect("it ends");
        });
        runtime.shutdown_background();
    }
}

fn main() {
    local_main::<P>();
}
