//! Sessions that nobody uses are closed, and opened again by the next message.

use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{ClusterEvent, ExitReason};

use crate::probe::{Probe, ProbeCall, ProbeCast};
use crate::sparse::{KEPT, Sparse};
use crate::support::{INTERVAL, eventually};

/// After so long a session that nobody uses is closed.
const IDLE: Duration = Duration::from_millis(200);

/// Waits until the sessions alone are there that are kept.
async fn rests(sparse: &Sparse) {
    eventually("sessions that nobody uses are closed", async || {
        sparse.sessions() == KEPT
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_nobody_uses_are_closed_and_opened_again_and_nobody_is_told() {
    let mut sparse = Sparse::start(INTERVAL, IDLE).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    // All joined through this node, and each had a session with it.
    rests(&sparse).await;
    let mut events = node.cluster().subscribe();
    for _ in 0..2 {
        for pid in sparse.pids() {
            let (_, same) = Probe::call(pid, ProbeCall::Where).await.unwrap();
            assert_eq!(same, pid);
        }
        rests(&sparse).await;
    }
    let told = tokio::time::timeout(Duration::ZERO, events.next()).await;
    assert!(told.is_err(), "{told:?}");
    assert_eq!(node.cluster().connected_nodes().len(), sparse.others.len());
    for other in &sparse.others {
        let lost = other.logged_times(&["lost"]);
        assert_eq!(lost, 0, "{:?}", other.log());
    }
    // They count each other as up, without a session.
    sparse.others[0].kill();
    let down = events.next().await.unwrap().unwrap();
    let expected = &sparse.others[0].id;
    assert!(
        matches!(&down, ClusterEvent::NodeDown { id, .. } if id == expected),
        "{down:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_or_overtaken_while_sessions_are_closed_again_and_again() {
    const ROUNDS: u64 = 3;
    let sparse = Sparse::start(INTERVAL, IDLE).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    let pids = sparse.pids();
    let mut sent = 0;
    for _ in 0..ROUNDS {
        let all = sparse.others.len();
        eventually("all have a session", async || sparse.sessions() == all).await;
        // Those of all are closed at one moment, some while this one is seen.
        while sparse.sessions() == all {
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            for pid in &pids {
                Probe::cast(*pid, ProbeCast::Note(sent)).unwrap();
            }
            sent += 1;
            tokio::task::yield_now().await;
        }
    }
    for pid in pids {
        let casts = Probe::call(pid, ProbeCall::Casts).await.unwrap();
        assert!(casts.into_iter().eq(0..sent), "{pid}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_another_node_keeps_the_session_until_then() {
    let sparse = Sparse::start(INTERVAL, IDLE).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    rests(&sparse).await;
    let pids = sparse.pids();
    let mut ends: Vec<_> = pids.iter().map(|pid| node.local().ended(*pid)).collect();
    let all = sparse.others.len();
    eventually("each has a session", async || sparse.sessions() == all).await;
    let since = Instant::now();
    while since.elapsed() < IDLE * 5 {
        assert_eq!(sparse.sessions(), all);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Probe::stop(pids[0]).await.unwrap();
    let first = ends.remove(0);
    assert_eq!(first.await, ExitReason::Normal);
    drop(ends);
    rests(&sparse).await;
}
