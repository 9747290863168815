//! `#[noex::main]` and a signal that asks the program to end.

use std::pin::pin;
use std::time::{Duration, Instant};

use noex::NodeDownReason;
use noex::prelude::*;
use rustix::process::Signal;

use crate::mesh::{Mesh, ask};
use crate::probe::{Probe, ProbeCall};
use crate::support::{down, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c54_a_program_that_gets_sigterm_answers_leaves_and_exits_with_0() {
    ends_in_order(Signal::TERM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_a_program_that_gets_sigint_answers_leaves_and_exits_with_0() {
    ends_in_order(Signal::INT).await;
}

async fn ends_in_order(signal: Signal) {
    let Mesh {
        node,
        mut events,
        others: [mut b, c],
    } = Mesh::start(["b", "c"]).await;
    let _inside = node.enter();
    let start = |reply| ProbeCall::Start("busy".to_owned(), reply);
    let busy = ask("probe-b", start).await.unwrap();
    let time = Duration::from_millis(300);
    let mut slow = pin!(Probe::call(busy, |reply| ProbeCall::Slow(time, reply)));
    assert!(
        tokio::time::timeout(Duration::ZERO, &mut slow)
            .await
            .is_err()
    );
    eventually(
        "the other node has the call, besides this question",
        async || ask("probe-b", ProbeCall::OpenCalls).await == (0, 2),
    )
    .await;
    let asked = Instant::now();
    b.signal(signal);
    let answered = slow.await;
    assert!(answered.is_ok(), "{answered:?}");
    let reason = down(&mut events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert_eq!(c.wait_down(&b.id), "graceful_shutdown");
    assert!(b.ended(Duration::from_secs(5)), "the exit code is not 0");
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_eq!(node.registry().whereis("probe-b"), None);
}
