//! Names that pass from a node that stops to another one, and calls by them.

use std::time::Duration;

use noex_core::task::spawn_on;
use noex_core::{CallError, LocalNode, Pid};
use noex_gen_server::{CastError, GenServer};
use noex_registry::{Global, Group};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::support::{Ask, Network, Whoami, idle, on, registry, settle};

/// How a node comes to refuse calls.
#[derive(Clone, Copy)]
enum Stop {
    /// The others hear of it before the call.
    Known,
    /// They learn it by the refusal.
    Unknown,
}

async fn start(node: &LocalNode) -> Pid {
    let name = Global::claim("a");
    let server = Whoami::start(()).name(name).on(node).await.unwrap();
    settle().await;
    server.pid()
}

async fn stop(node: &LocalNode, how: Stop) {
    node.drain();
    if matches!(how, Stop::Known) {
        registry(node).drain().await;
    }
}

/// A call by the name from that node, on its way.
async fn call(node: &LocalNode) -> JoinHandle<Result<Pid, CallError>> {
    let caller = node.clone();
    let call = spawn_on(&Handle::current(), async move {
        on(&caller, Whoami::call(Global("a"), Ask)).await
    });
    settle().await;
    call
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_stopping_node_refuses_is_answered_by_who_takes_the_name() {
    for how in [Stop::Known, Stop::Unknown] {
        // The next holder is on a third node, or on the caller's own.
        for next in [1, 2] {
            let (_network, nodes) = Network::with_nodes(3).await;
            start(&nodes[0]).await;
            stop(&nodes[0], how).await;
            let call = call(&nodes[2]).await;
            assert!(!call.is_finished(), "it waits");
            registry(&nodes[0]).drain().await;
            let taken = start(&nodes[next]).await;
            assert_eq!(call.await.unwrap(), Ok(taken));
            for node in &nodes {
                assert_eq!((node.pending_calls(), node.calls_in_flight()), (0, 0));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_passes_on_twice_is_followed_twice() {
    let (_network, nodes) = Network::with_nodes(4).await;
    start(&nodes[0]).await;
    nodes[0].drain();
    let call = call(&nodes[3]).await;
    // It refuses as well.
    nodes[1].drain();
    registry(&nodes[0]).drain().await;
    start(&nodes[1]).await;
    assert!(!call.is_finished(), "it waits again");
    registry(&nodes[1]).drain().await;
    let taken = start(&nodes[2]).await;
    assert_eq!(call.await.unwrap(), Ok(taken));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_takes_over_fails_when_its_time_is_over_and_was_not_handled() {
    for how in [Stop::Known, Stop::Unknown] {
        let (_network, nodes) = Network::with_nodes(2).await;
        start(&nodes[0]).await;
        stop(&nodes[0], how).await;
        let began = tokio::time::Instant::now();
        let call = Whoami::call(Global("a"), Ask).timeout(Duration::from_secs(3));
        let error = on(&nodes[1], call).await.unwrap_err();
        assert_eq!(error, CallError::Draining);
        assert!(error.is_not_executed());
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(3), "{took:?}");
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_name_can_be_given_up() {
    for how in [Stop::Known, Stop::Unknown] {
        let (_network, nodes) = Network::with_nodes(2).await;
        start(&nodes[0]).await;
        stop(&nodes[0], how).await;
        let call = call(&nodes[1]).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        for node in &nodes {
            assert_eq!((node.pending_calls(), node.calls_in_flight()), (0, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_waits_for_its_next_holder_takes_no_casts() {
    let (_network, nodes) = Network::with_nodes(2).await;
    start(&nodes[0]).await;
    registry(&nodes[0]).drain().await;
    let cast = on(&nodes[1], async { Whoami::cast(Global("a"), ()) }).await;
    let refused = matches!(cast, Err(CastError::Other((), CallError::Draining)));
    assert!(refused, "{cast:?}");
    assert_eq!(registry(&nodes[1]).whereis("a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_call_by_pid_is_refused_at_once() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let holder = start(&nodes[0]).await;
    nodes[0].drain();
    let error = on(&nodes[1], Whoami::call(holder, Ask)).await;
    assert_eq!(error, Err(CallError::Draining));
}

#[tokio::test(start_paused = true)]
async fn processes_of_a_node_that_stops_find_each_other_and_take_what_is_free() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let holder = start(&nodes[0]).await;
    let member = idle(&nodes[0]);
    registry(&nodes[0]).join("g", member).unwrap();
    stop(&nodes[0], Stop::Known).await;
    let found = on(&nodes[0], Whoami::call(Global("a"), Ask)).await;
    assert_eq!(found, Ok(holder));
    settle().await;
    for node in &nodes {
        let members = on(node, async { Group("g").members() }).await;
        assert_eq!(members, []);
    }
    let claim = Global::claim("b");
    let other = Whoami::start(()).name(claim).on(&nodes[0]).await.unwrap();
    settle().await;
    let found = on(&nodes[0], Whoami::call(Global("b"), Ask)).await;
    assert_eq!(found, Ok(other.pid()));
    assert_eq!(registry(&nodes[1]).whereis("b"), None);
    registry(&nodes[1]).register("b", idle(&nodes[1])).unwrap();
    settle().await;
    assert!(
        nodes[0].is_alive(other.pid()),
        "it goes on without its name"
    );
}
