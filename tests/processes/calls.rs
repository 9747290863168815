//! What becomes of calls that get no answer, here and on another node.

use std::pin::pin;
use std::time::{Duration, Instant};

use noex::CallError;
use noex::prelude::*;

use crate::mesh::{Mesh, ask, ask_to_ask, known};
use crate::probe::{FoundRef, Probe, ProbeCall};
use crate::support::eventually;

/// What must not wait for anything takes less.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A server that is no probe.
struct Stranger;

impl GenServer for Stranger {
    type Args = ();
    type Call = ReplyTo<u64>;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, reply: ReplyTo<u64>, _cx: &mut Context<Self>) -> Flow {
        reply.send(1);
        Flow::Continue
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c50_a_name_that_nobody_holds_and_a_call_to_oneself_are_refused_at_once() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let asked = Instant::now();
    for probe in mesh.probes() {
        let nobody = ask_to_ask(&probe, "nobody").await;
        assert_eq!(nobody, Err(CallError::NoProcess));
        let oneself = ask_to_ask(&probe, &probe).await;
        assert_eq!(oneself, Err(CallError::CallingSelf));
    }
    assert!(asked.elapsed() < AT_ONCE);
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c50_a_call_that_is_given_up_in_the_queue_is_not_handled() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    for probe in mesh.probes() {
        let before = ask(&probe, ProbeCall::Handled).await;
        let time = Duration::from_millis(500);
        let slow = |reply| ProbeCall::Slow(time, reply);
        let mut slow = pin!(Probe::call(Global(&*probe), slow));
        let is_pending = tokio::time::timeout(Duration::ZERO, &mut slow).await;
        assert!(is_pending.is_err());
        let given_up = Probe::call(Global(&*probe), ProbeCall::Where);
        let given_up = tokio::time::timeout(Duration::from_millis(50), given_up).await;
        assert!(given_up.is_err(), "it was answered in front of a slow call");
        slow.await.unwrap();
        assert_eq!(ask(&probe, ProbeCall::Handled).await, before + 1, "{probe}");
    }
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c44_calls_that_get_no_reply_end_in_time_and_leave_nothing_open() {
    let mesh = Mesh::start(["b", "c"]).await;
    let _inside = mesh.enter();
    let timeout = Duration::from_millis(300);
    for probe in mesh.probes() {
        let asked = Instant::now();
        let never = Probe::call(Global(&*probe), ProbeCall::Never).timeout(timeout);
        assert_eq!(never.await, Err(CallError::Timeout), "{probe}");
        let took = asked.elapsed();
        assert!(took >= timeout && took < timeout + AT_ONCE, "{took:?}");

        let asked = Instant::now();
        let dropped = Probe::call(Global(&*probe), ProbeCall::Drop).await;
        assert_eq!(dropped, Err(CallError::ReplyDropped), "{probe}");
        assert!(asked.elapsed() < AT_ONCE);
    }
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c50_a_call_can_be_answered_by_another_process_on_another_node() {
    let mesh = Mesh::start(["b", "c"]).await;
    let _inside = mesh.enter();
    for asked in mesh.probes() {
        for other in mesh.probes() {
            let pass = |reply| ProbeCall::PassTo(other.clone(), reply);
            let answered_by = ask(&asked, pass).await;
            assert_eq!(Some(answered_by), mesh.registry().whereis(&other));
        }
    }
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c50_a_server_of_another_type_refuses_here_and_there() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    for probe in mesh.probes() {
        let error = Stranger::call(Global(&*probe), |reply| reply).await;
        assert_eq!(error, Err(CallError::WrongServer), "{probe}");
    }
    let stranger = Stranger::start(()).name(Global("stranger")).await.unwrap();
    assert_eq!(stranger.call(|reply| reply).await, Ok(1));
    for probe in mesh.probes() {
        eventually("it knows the stranger", async || {
            let answer = ask_to_ask(&probe, "stranger").await;
            answer == Err(CallError::WrongServer)
        })
        .await;
    }
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_that_names_a_protocol_reaches_its_server_here_and_there() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    for probe in mesh.probes() {
        let pid = known(&mesh.node, &probe).await;
        let found = FoundRef::from_pid(pid);
        found.note(7).unwrap();
        let place = found.place().timeout(Duration::from_secs(9)).await;
        assert_eq!(place, Ok(ask(&probe, ProbeCall::Where).await));
        assert_eq!(ask(&probe, ProbeCall::Casts).await, [7]);
    }
    let stranger = Stranger::start(()).await.unwrap();
    let place = FoundRef::from_pid(stranger.pid()).place().await;
    assert_eq!(place, Err(CallError::WrongServer));
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c44_a_call_to_a_node_that_is_killed_fails_at_once() {
    let Mesh {
        node,
        events,
        others: [mut b, c],
    } = Mesh::start(["b", "c"]).await;
    let _inside = node.enter();
    let never = Probe::call(Global("probe-b"), ProbeCall::Never);
    // The server is on a node that lives on, its reply handle on the one that is killed.
    let lend = |reply| ProbeCall::LendTo("probe-b".to_owned(), reply);
    let lent = Probe::call(Global("probe-c"), lend);
    let mut open = pin!(async { tokio::join!(never, lent) });
    let is_pending = tokio::time::timeout(Duration::ZERO, &mut open).await;
    assert!(is_pending.is_err());
    eventually(
        "both handles are on the node, besides this question's",
        async || ask("probe-b", ProbeCall::OpenCalls).await == (0, 3),
    )
    .await;
    let killed = Instant::now();
    b.kill();
    let lost = Err(CallError::NoConnection { sent: true });
    assert_eq!(open.await, (lost.clone(), lost));
    let took = killed.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
    let others = [c];
    let mesh = Mesh {
        node: node.clone(),
        events,
        others,
    };
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c52_a_server_is_stopped_here_and_there() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    for (number, probe) in mesh.probes().into_iter().enumerate() {
        let name = format!("to-stop-{number}");
        let start = |reply| ProbeCall::Start(name.clone(), reply);
        let pid = ask(&probe, start).await.unwrap();
        let ended = mesh.local().ended(pid);
        Probe::stop(pid).reason(ExitReason::Shutdown).await.unwrap();
        assert_eq!(ended.await, ExitReason::Shutdown);
        assert_eq!(Probe::stop(pid).await, Err(CallError::NoProcess));
        let gone = Probe::call(pid, ProbeCall::Where).await;
        assert_eq!(gone, Err(CallError::NoProcess));
    }
    mesh.has_no_open_calls().await;
}
