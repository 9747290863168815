//! What calls and casts allocate: nothing, once their queues have grown. Counted by the allocator.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use allocation_counter::measure;
use noex_core::{ExitReason, LocalNode, ReplyTo};
use noex_gen_server::{Context, Flow, GenServer, ServerRef};
use tokio::runtime::{Builder, Runtime};

const MESSAGES: u64 = 10_000;

/// Casts that are sent before their server runs.
const BURST: u64 = 100;

/// What else runs on the thread meanwhile, such as the sweep over calls that wait, allocates now
/// and then. It is far from one for each message.
const OTHERS: u64 = MESSAGES / 100;

struct Counter(u64);

impl GenServer for Counter {
    type Args = ();
    type Call = ReplyTo<u64>;
    type Cast = u64;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(0))
    }

    async fn handle_call(&mut self, reply: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
        reply.send(self.0);
        Flow::Continue
    }

    async fn handle_cast(&mut self, add: u64, _: &mut Context<Self>) -> Flow {
        self.0 += add;
        Flow::Continue
    }
}

/// All of it runs on this thread, whose allocations are counted.
fn setting() -> (Runtime, ServerRef<Counter>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let counter = runtime.block_on(async {
        let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
        Counter::start(()).on(&node).await.unwrap()
    });
    (runtime, counter)
}

async fn calls(counter: &ServerRef<Counter>) {
    for _ in 0..MESSAGES {
        counter.call(|reply| reply).await.unwrap();
    }
}

async fn casts(counter: &ServerRef<Counter>) {
    for _ in 0..MESSAGES / BURST {
        for _ in 0..BURST {
            counter.cast(1).unwrap();
        }
        counter.call(|reply| reply).await.unwrap();
    }
}

#[test]
fn a_call_allocates_nothing() {
    let (runtime, counter) = setting();
    runtime.block_on(calls(&counter));
    let counted = measure(|| runtime.block_on(calls(&counter)));
    assert!(counted.count_total <= OTHERS, "{}", counted.count_total);
}

#[test]
fn a_cast_allocates_nothing_once_the_queue_has_grown() {
    let (runtime, counter) = setting();
    runtime.block_on(casts(&counter));
    let counted = measure(|| runtime.block_on(casts(&counter)));
    assert!(counted.count_total <= OTHERS, "{}", counted.count_total);
}
