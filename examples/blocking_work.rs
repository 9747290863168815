//! Work that blocks: a server with a thread of its own, and a thread that calls an async server.

use std::thread;

use noex::blocking::{self, BlockingContext, BlockingServer};
use noex::prelude::*;

/// Computes for long. Its thread may; a thread of the runtime may not, others wait for that one.
struct Primes;

#[derive(Serialize, Deserialize)]
enum PrimesCall {
    CountBelow { limit: u64, reply: ReplyTo<usize> },
}

impl BlockingServer for Primes {
    type Args = ();
    type Call = PrimesCall;
    type Cast = ();

    fn init((): (), _cx: &mut BlockingContext<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    fn handle_call(&mut self, call: PrimesCall, _cx: &mut BlockingContext<Self>) -> Flow {
        let PrimesCall::CountBelow { limit, reply } = call;
        let is_prime = |n: &u64| {
            (2..*n)
                .take_while(|d| d * d <= *n)
                .all(|d| !n.is_multiple_of(d))
        };
        reply.send((2..limit).filter(is_prime).count());
        Flow::Continue
    }
}

/// An ordinary server.
struct Total(usize);

#[noex::server]
impl Total {
    fn init() -> Self {
        Self(0)
    }

    #[call]
    fn add(&mut self, more: usize) -> usize {
        self.0 += more;
        self.0
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::start(ClusterConfig::new("blocking").port(0)).await?;
    let _inside = node.enter();

    // To its callers the blocking server is a server like any other.
    let primes = Primes::start(()).await?;
    let count = |reply| PrimesCall::CountBelow {
        limit: 20_000,
        reply,
    };
    let found = primes.call(count).await?;
    println!("{found} primes are below 20000");

    // And a thread that is not of the runtime calls a server, and blocks until the reply is there.
    let total = Total::start(()).await?;
    let client = thread::spawn(move || {
        blocking::call(&total, |reply| TotalCall::Add { more: found, reply })?;
        blocking::call(&total, |reply| TotalCall::Add { more: 1, reply })
    });
    let joined = tokio::task::spawn_blocking(|| client.join()).await?;
    let sum: usize = joined.map_err(|_panic| "the thread panicked")??;
    println!("a thread has made it {sum}");

    node.stop().await;
    println!("done");
    Ok(())
}
