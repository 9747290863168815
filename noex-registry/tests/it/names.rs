//! Cluster-wide names.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode, NameError, Pid};
use noex_gen_server::{GenServer, StartError};
use noex_registry::{Global, Registry, global};

use crate::support::{Ask, Network, Whoami, end, idle, on, registry, settle};

/// Calls the holder of a name, from `node`.
async fn ask(node: &LocalNode, name: &str) -> Result<Pid, CallError> {
    on(node, Whoami::call(Global(name), Ask)).await
}

#[tokio::test(start_paused = true)]
async fn a_name_reaches_its_holder_from_every_node() {
    let (_network, nodes) = Network::with_nodes(3).await;
    let names = ["one", "two", "three"];
    let mut pids = Vec::new();
    for (node, name) in nodes.iter().zip(names) {
        let server = Whoami::start(()).name(Global(name)).on(node).await.unwrap();
        pids.push(server.pid());
    }
    settle().await;
    for node in &nodes {
        for (name, pid) in names.iter().zip(&pids) {
            assert_eq!(ask(node, name).await, Ok(*pid));
        }
        let mut all: Vec<_> = names.map(Arc::from).into_iter().zip(pids.clone()).collect();
        all.sort();
        assert_eq!(registry(node).names(), all);
        assert_eq!(registry(node).stats().registrations, 3);
        assert_eq!(registry(node).stats().local_registrations, 1);
        assert_eq!(ask(node, "four").await, Err(CallError::NoProcess));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_server_of_a_name_does_not_start() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let name = || Global("one".to_owned());
    let first = Whoami::start(()).name(name()).on(&nodes[0]).await.unwrap();
    settle().await;
    for node in &nodes {
        let second = Whoami::start(()).name(name()).on(node).await;
        assert_eq!(second, Err(StartError::AlreadyStarted(first.pid())));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_goes_with_its_process() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let pid = idle(&nodes[0]);
    registry(&nodes[0]).register("a", pid).unwrap();
    settle().await;
    assert_eq!(registry(&nodes[1]).whereis("a"), Some(pid));
    end(&nodes[0], pid).await;
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).whereis("a"), None);
        assert_eq!(registry(node).stats().registrations, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_goes_with_its_node_and_returns_with_it() {
    let (network, nodes) = Network::with_nodes(3).await;
    let pid = idle(&nodes[0]);
    registry(&nodes[0]).register("a", pid).unwrap();
    settle().await;
    network.lose(&nodes[0]);
    settle().await;
    assert_eq!(registry(&nodes[0]).whereis("a"), Some(pid));
    for node in &nodes[1..] {
        assert_eq!(registry(node).whereis("a"), None);
    }
    network.join(&nodes[0]);
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).whereis("a"), Some(pid));
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_claims_at_the_same_moment_one_stays() {
    let (_network, nodes) = Network::with_nodes(3).await;
    let pids = [idle(&nodes[0]), idle(&nodes[1])];
    // Nothing that was sent is handled before the next await.
    registry(&nodes[0]).register("a", pids[0]).unwrap();
    registry(&nodes[1]).register("a", pids[1]).unwrap();
    let ends = [nodes[0].ended(pids[0]), nodes[1].ended(pids[1])];
    settle().await;
    let holder = registry(&nodes[2]).whereis("a").unwrap();
    for node in &nodes {
        assert_eq!(registry(node).whereis("a"), Some(holder));
    }
    for ((pid, ended), node) in pids.into_iter().zip(ends).zip(&nodes) {
        if pid == holder {
            assert!(node.is_alive(pid));
        } else {
            assert_eq!(ended.await, ExitReason::NameConflict);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_older_holder_keeps_its_name_when_a_split_heals() {
    let (network, nodes) = Network::with_nodes(2).await;
    network.lose(&nodes[1]);
    settle().await;
    let (older, younger) = (idle(&nodes[1]), idle(&nodes[0]));
    registry(&nodes[1]).register("a", older).unwrap();
    // The wall clock of this test is the real one, of milliseconds.
    let at = wall();
    while wall() == at {
        tokio::task::yield_now().await;
    }
    registry(&nodes[0]).register("a", younger).unwrap();
    let ended = nodes[0].ended(younger);
    network.join(&nodes[1]);
    assert_eq!(ended.await, ExitReason::NameConflict);
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).whereis("a"), Some(older));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the registry's clock, which can't be paused"
)]
fn wall() -> u128 {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    wall.unwrap().as_millis()
}

#[tokio::test(start_paused = true)]
async fn the_successor_of_a_dead_process_gets_its_name_at_once() {
    let (_network, nodes) = Network::with_nodes(1).await;
    let node = &nodes[0];
    let (first, second) = (idle(node), idle(node));
    registry(node).register("a", first).unwrap();
    let taken = registry(node).register("a", second);
    assert_eq!(taken, Err(NameError::Taken(first)));
    let server = node.whereis("noex.registry").unwrap();
    // The registry's process will not handle the end of the holder: it does not run.
    end(node, server).await;
    end(node, first).await;
    assert_eq!(registry(node).whereis("a"), Some(first));
    registry(node).register("a", second).unwrap();
    assert_eq!(registry(node).whereis("a"), Some(second));
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_node_that_went_down_is_free_at_once() {
    let (network, nodes) = Network::with_nodes(2).await;
    let (first, second) = (idle(&nodes[0]), idle(&nodes[1]));
    registry(&nodes[0]).register("a", first).unwrap();
    settle().await;
    let taken = registry(&nodes[1]).register("a", second);
    assert_eq!(taken, Err(NameError::Taken(first)));
    network.lose(&nodes[0]);
    // The registry's process has not handled the event yet.
    assert_eq!(registry(&nodes[1]).whereis("a"), Some(first));
    registry(&nodes[1]).register("a", second).unwrap();
    settle().await;
    assert_eq!(registry(&nodes[1]).whereis("a"), Some(second));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_on_another_node_wins_over_the_dead_holder() {
    let (network, nodes) = Network::with_nodes(3).await;
    let dead = idle(&nodes[0]);
    registry(&nodes[0]).register("a", dead).unwrap();
    settle().await;
    network.loses_floods.store(true, Ordering::Relaxed);
    end(&nodes[0], dead).await;
    settle().await;
    network.loses_floods.store(false, Ordering::Relaxed);
    assert_eq!(registry(&nodes[1]).whereis("a"), Some(dead));
    let plain = Whoami::start(()).name(Global("a")).on(&nodes[1]).await;
    assert_eq!(plain, Err(StartError::AlreadyStarted(dead)));
    let name = Global::claim("a").replacing(dead);
    let server = Whoami::start(()).name(name).on(&nodes[1]).await.unwrap();
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).whereis("a"), Some(server.pid()));
    }
}

#[tokio::test(start_paused = true)]
async fn anybody_unregisters_a_name() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let pid = idle(&nodes[0]);
    for who in [&nodes[0], &nodes[1]] {
        registry(&nodes[0]).register("a", pid).unwrap();
        settle().await;
        assert_eq!(registry(who).unregister("a"), Some(pid));
        settle().await;
        for node in &nodes {
            assert_eq!(registry(node).whereis("a"), None);
        }
    }
    assert_eq!(registry(&nodes[0]).unregister("a"), None);
    assert!(nodes[0].is_alive(pid));
}

#[tokio::test(start_paused = true)]
async fn a_flood_that_was_lost_is_made_good() {
    let (network, nodes) = Network::with_nodes(3).await;
    network.loses_floods.store(true, Ordering::Relaxed);
    let pid = idle(&nodes[0]);
    registry(&nodes[0]).register("a", pid).unwrap();
    settle().await;
    assert_eq!(registry(&nodes[1]).whereis("a"), None);
    for _ in 0..2 {
        tokio::time::advance(Duration::from_secs(5)).await;
        settle().await;
    }
    for node in &nodes {
        assert_eq!(registry(node).whereis("a"), Some(pid));
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_started_again_goes_on_with_what_it_knew() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let node = &nodes[0];
    let (stays, ends) = (idle(node), idle(node));
    registry(node).register("stays", stays).unwrap();
    registry(node).register("ends", ends).unwrap();
    assert!(matches!(
        Registry::start(node).await,
        Err(StartError::AlreadyStarted(_))
    ));
    end(node, node.whereis("noex.registry").unwrap()).await;
    end(node, ends).await;
    Registry::start(node).await.unwrap();
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).names(), [("stays".into(), stays)]);
    }
}

#[tokio::test(start_paused = true)]
async fn only_living_processes_of_this_node_get_names() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let registry = registry(&nodes[0]);
    let (own, other) = (idle(&nodes[0]), idle(&nodes[1]));
    assert_eq!(registry.register("a", other), Err(NameError::NoProcess));
    assert_eq!(registry.register("", own), Err(NameError::Invalid));
    end(&nodes[0], own).await;
    assert_eq!(registry.register("a", own), Err(NameError::NoProcess));
}

#[tokio::test(start_paused = true)]
async fn the_current_node_has_names_once_its_registry_runs() {
    assert_eq!(global::whereis("a"), None);
    let node = LocalNode::start("n@127.0.0.1:1".parse().unwrap());
    let pid = idle(&node);
    {
        let _inside = node.enter();
        assert_eq!(global::register("a", pid), Err(NameError::NoProcess));
    }
    Registry::start(&node).await.unwrap();
    let _inside = node.enter();
    assert_eq!(global::register("a", pid), Ok(()));
    assert_eq!(global::whereis("a"), Some(pid));
    assert_eq!(global::unregister("a"), Some(pid));
    assert_eq!(global::whereis("a"), None);
}
