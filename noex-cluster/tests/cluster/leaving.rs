//! Nodes leave, crash, and come back.

use std::time::Duration;

use noex_cluster::{Cluster, ClusterConfig, Status};
use noex_core::{LocalNode, NodeDownReason};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::harness::{DEADLINE, DETECTION_TIME, TestNode, config, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_has_left_in_order() {
    let mut a = start(config("a", &[]));
    let b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    timeout(DEADLINE, b.cluster.stop()).await.unwrap();
    assert_eq!(b.cluster.status(), Status::Stopped);
    assert_eq!(
        a.node_down().await,
        (b.id().clone(), NodeDownReason::GracefulShutdown)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_dropped_is_down_by_a_closed_connection() {
    let mut a = start(config("a", &[]));
    let b = start(config("b", &[a.id()]));
    let id = b.id().clone();
    a.sees(&[&id]).await;
    drop(b);
    assert_eq!(a.node_down().await, (id, NodeDownReason::ConnectionClosed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_is_another_life() {
    let mut a = start(config("a", &[]));
    let b = start(config("b", &[a.id()]));
    let id = b.id().clone();
    a.sees(&[&id]).await;
    drop(b);
    assert_eq!(a.node_down().await.1, NodeDownReason::ConnectionClosed);
    let _b = start(config("b", &[]).port(id.port()));
    assert_eq!(a.node_up().await.id, id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_started_again_at_once_need_not_wait() {
    let mut a = start(config("a", &[]));
    let b = start(config("b", &[a.id()]));
    let (id, former) = (b.id().clone(), b.node.creation());
    a.sees(&[&id]).await;
    let config = || {
        let config = config("b", &[a.id()]).port(id.port());
        config.reconnect_base_delay(Duration::from_secs(10))
    };
    drop(b);
    let bound = loop {
        // Its former life may hold the port for a moment.
        match Cluster::bind(config().reconnect_max_delay(Duration::from_secs(10))) {
            Ok(bound) => break bound,
            Err(_in_use) => tokio::task::yield_now().await,
        }
    };
    let node = LocalNode::start(bound.node_id().clone());
    let _b = bound.start(&node);
    let up = async {
        assert_eq!(
            a.node_down().await,
            (id.clone(), NodeDownReason::ConnectionClosed)
        );
        assert_eq!(a.node_up().await.id, id);
    };
    timeout(DETECTION_TIME, up).await.unwrap();
    let latter = a.node.peers()[0].creation;
    assert!(latter == node.creation() && latter != former);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnected_node_stays_away_until_it_is_wanted() {
    let mut a = start(config("a", &[]));
    let mut b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    b.sees(&[a.id()]).await;
    a.cluster.disconnect(b.id());
    assert_eq!(a.node_down().await.1, NodeDownReason::GracefulShutdown);
    assert_eq!(b.node_down().await.1, NodeDownReason::GracefulShutdown);
    a.cluster.reconnect(b.id());
    assert_eq!(&a.node_up().await.id, b.id());
    b.sees(&[a.id()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_while_its_session_opens_has_left_in_order() {
    let mut a = start(config("a", &[]));
    for round in 0..20 {
        let b = start(config(&format!("b{round}"), &[a.id()]));
        let id = a.node_up().await.id;
        timeout(DEADLINE, b.cluster.stop()).await.unwrap();
        assert_eq!(a.node_down().await, (id, NodeDownReason::GracefulShutdown));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_users_block_its_runtime_for_a_while_stays_up() {
    let mut a = start(config("a", &[]));
    let (runtime, b) = start_apart(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    block(&runtime, DETECTION_TIME / 2).await;
    timeout(DEADLINE, b.cluster.stop()).await.unwrap();
    assert_eq!(a.node_down().await.1, NodeDownReason::GracefulShutdown);
    runtime.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_can_be_stopped_while_its_users_block_its_runtime() {
    let mut a = start(config("a", &[]));
    let (runtime, b) = start_apart(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let blocked = noex_core::task::spawn_on(runtime.handle(), async move { released.recv() });
    assert_eq!(a.node_down().await.1, NodeDownReason::HeartbeatTimeout);
    timeout(DEADLINE, b.cluster.stop()).await.unwrap();
    assert_eq!(b.cluster.status(), Status::Stopped);
    drop(release);
    assert!(timeout(DEADLINE, blocked).await.unwrap().unwrap().is_err());
    runtime.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_runtime_is_gone_is_down_at_once() {
    let mut a = start(config("a", &[]));
    let (runtime, b) = start_apart(config("b", &[a.id()]));
    let id = b.id().clone();
    a.sees(&[&id]).await;
    runtime.shutdown_background();
    assert_eq!(a.node_down().await, (id, NodeDownReason::ConnectionClosed));
    assert_eq!(b.cluster.status(), Status::Stopped);
}

/// A node that has a runtime of its own, with one worker.
fn start_apart(config: ClusterConfig) -> (Runtime, TestNode) {
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().unwrap();
    let node = {
        let _entered = runtime.enter();
        start(config)
    };
    (runtime, node)
}

/// Blocks the only worker for so long.
async fn block(runtime: &Runtime, time: Duration) {
    let blocked = noex_core::task::spawn_on(runtime.handle(), async move {
        let (_never, nothing) = std::sync::mpsc::channel::<()>();
        nothing.recv_timeout(time)
    });
    assert!(timeout(DEADLINE, blocked).await.unwrap().unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c40_a_callback_that_panics_is_called_for_what_happens_next() {
    let a = start(config("a", &[]));
    let (told_tx, mut told) = tokio::sync::mpsc::channel(8);
    let _called = a.cluster.on_status_change(move |status| {
        told_tx.try_send(status).unwrap();
        assert_ne!(status, Status::Stopping, "as it was told to");
    });
    timeout(DEADLINE, a.cluster.stop()).await.unwrap();
    let mut statuses = Vec::new();
    let all = async {
        while let Some(status) = told.recv().await {
            statuses.push(status);
        }
    };
    timeout(DEADLINE, all).await.unwrap();
    let ends = [Status::Stopping, Status::Stopped];
    assert!(statuses.ends_with(&ends), "{statuses:?}");
}
