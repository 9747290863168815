//! `#[noex::main]` and a signal that asks the program to end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{CallError, DistributedSupervisor, Mode, NodeDownReason, NodeId, Pid, RemoteChild};
use rustix::process::Signal;
use tokio::task::JoinHandle;

use crate::mesh::{Mesh, ask, known, whereis};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_an_orderly_end_is_told_step_by_step_and_nobody_tells_of_a_loss() {
    let mut mesh = Mesh::start_with_log("info", ["b", "c"]).await;
    let [b, c] = &mut mesh.others;
    assert!(b.leave(), "the exit code is not 0");
    b.logged(&["the node has stopped"]).await;
    let log = b.log();
    let mut rest = log.iter();
    for step in [
        "its names are handed over",
        "calls in flight are waited for",
        "names are taken away",
        "the node leaves its cluster",
        "the node has stopped",
    ] {
        assert!(rest.any(|line| line.contains(step)), "{step}: {log:#?}");
    }
    assert_eq!(c.wait_down(&b.id), "graceful_shutdown");
    for node in [&*b, c] {
        let told = node.logged_times(&["without a goodbye"]);
        assert_eq!(told, 0, "{:#?}", node.log());
    }
}

/// A node that can be called, and its probes, each of which can be busy with one call.
async fn with_busy_probes(count: usize) -> (Mesh<2>, Vec<Pid>) {
    let mesh = Mesh::start(["b", "c"]).await;
    let mut busy = Vec::new();
    let _inside = mesh.enter();
    for number in 0..count {
        let start = |reply| ProbeCall::Start(format!("busy-{number}"), reply);
        busy.push(ask("probe-b", start).await.unwrap());
    }
    (mesh, busy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_all_calls_in_flight_are_answered_by_a_node_that_ends() {
    const CALLS: usize = 10;
    let (mut mesh, busy) = with_busy_probes(CALLS).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let calls = busy.into_iter().zip(1..).map(|(busy, number)| {
        let time = Duration::from_millis(number * 100);
        noex::spawn(async move { Probe::call(busy, |reply| ProbeCall::Slow(time, reply)).await })
    });
    let calls: Vec<_> = calls.collect();
    eventually("all calls are there, besides this question", async || {
        ask("probe-b", ProbeCall::OpenCalls).await == (0, CALLS + 1)
    })
    .await;
    let [b, c] = &mut mesh.others;
    b.signal(Signal::TERM);
    for call in calls {
        // It is its server's first message, and the server lives until it has answered.
        assert_eq!(call.await.unwrap(), Ok(0));
    }
    let reason = down(&mut mesh.events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert_eq!(c.wait_down(&b.id), "graceful_shutdown");
    assert!(b.ended(Duration::from_secs(5)), "the exit code is not 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_who_calls_without_pause_is_answered_or_told_that_the_call_was_not_handled() {
    const CALLERS: usize = 4;
    let (mut mesh, busy) = with_busy_probes(CALLERS).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let answered = Arc::new(AtomicUsize::new(0));
    let callers = busy.into_iter().map(|busy| {
        let answered = Arc::clone(&answered);
        noex::spawn(async move {
            loop {
                let call = Probe::call(busy, |reply| ProbeCall::Slow(Duration::ZERO, reply));
                match call.await {
                    Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                    Err(error) => return error,
                };
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    eventually("all are busy", async || {
        answered.load(Ordering::Relaxed) > CALLERS * 10
    })
    .await;
    let [b, _c] = &mut mesh.others;
    b.signal(Signal::TERM);
    for caller in callers {
        let error = caller.await.unwrap();
        assert_eq!(error, CallError::Draining);
        assert!(error.is_not_executed());
    }
    let reason = down(&mut mesh.events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert!(b.ended(Duration::from_secs(5)), "the exit code is not 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_a_call_that_nobody_answers_is_waited_for_5_s_and_no_longer() {
    let (mut mesh, busy) = with_busy_probes(1).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let never = Probe::call(busy[0], ProbeCall::Never).timeout(Duration::from_secs(60));
    let never = noex::spawn(never);
    eventually("the call is there, besides this question", async || {
        ask("probe-b", ProbeCall::OpenCalls).await == (0, 2)
    })
    .await;
    let b = &mut mesh.others[0];
    let asked = Instant::now();
    b.signal(Signal::TERM);
    let error = never.await.unwrap().unwrap_err();
    let took = asked.elapsed();
    assert!(!error.is_not_executed(), "{error}");
    let patience = Duration::from_secs(5);
    assert!((patience..patience * 2).contains(&took), "{took:?}");
    let reason = down(&mut mesh.events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert!(b.ended(patience), "the exit code is not 0");
}

/// Calls whoever has the name `one`, without a pause and by as many callers, until it is stopped.
struct Callers {
    answered: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Result<(), CallError>>>,
}

impl Callers {
    fn start(count: usize) -> Self {
        let answered = Arc::new(AtomicUsize::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let tasks = (0..count).map(|_| {
            let (answered, is_over) = (Arc::clone(&answered), Arc::clone(&is_over));
            noex::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    Probe::call(Global("one"), ProbeCall::Where).await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        });
        let tasks = tasks.collect();
        Self {
            answered,
            is_over,
            tasks,
        }
    }

    /// Waits until so many more calls are answered.
    async fn go_on(&self, calls: usize) {
        let goal = self.answered.load(Ordering::Relaxed) + calls;
        eventually("calls are answered", async || {
            let has_failed = self.tasks.iter().any(JoinHandle::is_finished);
            has_failed || self.answered.load(Ordering::Relaxed) >= goal
        })
        .await;
    }

    /// How each of them fared.
    async fn stop(self) -> Vec<Result<(), CallError>> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut outcomes = Vec::new();
        for task in self.tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    }
}

const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_no_call_by_name_fails_while_a_name_moves_on_from_a_node_that_ends() {
    let mut mesh = Mesh::start(["b", "c"]).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let child = RemoteChild::of::<Probe>("child", ()).global_name("one");
    let supervisor = DistributedSupervisor::builder(Mode::Available).only_others();
    supervisor.children([child]).start().await.unwrap();
    known(&node, "one").await;
    let (home, _) = ask("one", ProbeCall::Where).await;
    let callers = Callers::start(CALLERS);
    callers.go_on(1_000).await;
    let ending = mesh.others.iter_mut().find(|other| other.id == home);
    let ending = ending.unwrap();
    ending.signal(Signal::TERM);
    let reason = down(&mut mesh.events, &home).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert!(
        ending.ended(Duration::from_secs(5)),
        "the exit code is not 0"
    );
    callers.go_on(1_000).await;
    assert_eq!(callers.stop().await, [const { Ok(()) }; CALLERS]);
    let (elsewhere, _): (NodeId, Pid) = ask("one", ProbeCall::Where).await;
    assert_ne!(elsewhere, home);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_a_name_moves_on_while_its_node_still_finishes_a_call() {
    let (mut mesh, _) = with_busy_probes(0).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let start = |reply| ProbeCall::Start("one".to_owned(), reply);
    let old = ask("probe-b", start).await.unwrap();
    known(&node, "one").await;
    let time = Duration::from_secs(2);
    let slow = noex::spawn(Probe::call(Global("one"), move |reply| {
        ProbeCall::Slow(time, reply)
    }));
    eventually("the call is there, besides this question", async || {
        ask("probe-b", ProbeCall::OpenCalls).await == (0, 2)
    })
    .await;
    mesh.others[0].signal(Signal::TERM);
    eventually("the name is given up", async || {
        node.registry().whereis("one").is_none()
    })
    .await;
    // These wait for the next holder.
    let callers = Callers::start(CALLERS);
    eventually("the name can be taken", async || {
        ask("probe-c", start).await.is_ok()
    })
    .await;
    let new = whereis("probe-c", "one").await;
    callers.go_on(100).await;
    assert!(!slow.is_finished(), "the old holder is still busy");
    assert_eq!(node.registry().whereis("one"), new);
    assert_eq!(callers.stop().await, [const { Ok(()) }; CALLERS]);
    assert_ne!(new, Some(old));
    assert_eq!(slow.await.unwrap(), Ok(0));
    let b = &mut mesh.others[0];
    let reason = down(&mut mesh.events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert!(b.ended(Duration::from_secs(5)), "the exit code is not 0");
}
