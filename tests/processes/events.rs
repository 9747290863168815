//! What a node tells its users, as a stream and by callbacks.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use noex::prelude::*;
use noex::{ClusterEvent, Events, NodeDownReason, NodeId, Status};

use crate::mesh::{Mesh, ask};
use crate::probe::{Probe, ProbeCall};
use crate::support::{PATIENCE, Plan, config, down, eventually, up};

/// The most events that wait for a subscriber.
const EVENTS_MAX: usize = 1_024;

/// What was told, without the facts that change from moment to moment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Up(NodeId),
    Down(NodeId, NodeDownReason),
    Status(Status),
}

impl Told {
    fn of(event: ClusterEvent) -> Self {
        match event {
            ClusterEvent::NodeUp(info) => Self::Up(info.id),
            ClusterEvent::NodeDown { id, reason } => Self::Down(id, reason),
            ClusterEvent::StatusChanged(status) => Self::Status(status),
            other => panic!("there is a test to write for {other:?}"),
        }
    }
}

/// What the stream tells until it ends.
async fn all(mut events: Events) -> Vec<Told> {
    let mut told = Vec::new();
    let to_its_end = async {
        while let Some(event) = events.next().await {
            told.push(Told::of(event.expect("nothing was missed")));
        }
    };
    let ended = tokio::time::timeout(PATIENCE, to_its_end).await;
    ended.expect("the stream ends with its cluster");
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c42_the_statuses_come_in_order_by_stream_and_by_callback() {
    let config = config("t").seed("127.0.0.1:1");
    let node = Node::start(config).await.unwrap();
    let cluster = node.cluster();
    let called = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&called);
    let subscription = cluster.on_status_change(move |status| calls.lock().unwrap().push(status));
    subscription.detach();
    let events = cluster.subscribe();
    // It looks for a seed that is not there.
    assert_eq!(cluster.status(), Status::Starting);
    cluster.running().await;
    assert_eq!(cluster.status(), Status::Running);
    node.stop().await;
    assert_eq!(cluster.status(), Status::Stopped);
    let statuses = [Status::Running, Status::Stopping, Status::Stopped];
    assert_eq!(all(events).await, statuses.map(Told::Status));
    eventually("the callback has heard of all", async || {
        *called.lock().unwrap() == statuses
    })
    .await;
    // Nobody is told of what is over.
    assert!(cluster.subscribe().next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c42_a_node_is_stopping_while_it_finishes_what_it_was_asked() {
    let mesh = Mesh::start(["b"]).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let slow = |reply| ProbeCall::Slow(Duration::from_secs(1), reply);
    let slow = noex::spawn(async move { Probe::call(Global("probe-t"), slow).await });
    let asked = |reply| ProbeCall::Ask("probe-t".to_owned(), reply);
    let asked = noex::spawn(async move { ask("probe-b", asked).await });
    eventually("the other node waits for an answer", async || {
        node.local().calls_in_flight() == 1
    })
    .await;
    let mut stop = pin!(node.stop());
    let begun = tokio::time::timeout(Duration::ZERO, &mut stop).await;
    assert!(begun.is_err(), "nobody was waited for");
    assert_eq!(node.cluster().status(), Status::Stopping);
    stop.await;
    assert!(slow.await.unwrap().is_ok());
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c40_callbacks_are_called_for_what_the_stream_tells_until_they_are_dropped() {
    let mut mesh = Mesh::start(["b"]).await;
    let cluster = mesh.cluster().clone();
    let called = Arc::new(Mutex::new(Vec::new()));
    let [ups, downs, dropped] = [(); 3].map(|()| Arc::clone(&called));
    let _ups = cluster.on_node_up(move |info| ups.lock().unwrap().push(Told::Up(info.id)));
    let _downs = cluster.on_node_down(move |id, reason| {
        downs.lock().unwrap().push(Told::Down(id, reason));
    });
    let too_much = cluster.on_node_down(move |id, reason| {
        dropped.lock().unwrap().push(Told::Down(id, reason));
    });
    drop(too_much);
    let mut stream = cluster.subscribe();
    let mut expected = Vec::new();
    for reason in [
        NodeDownReason::ConnectionClosed,
        NodeDownReason::GracefulShutdown,
    ] {
        let mut c = Plan::new("c").seed(mesh.id()).start();
        up(&mut mesh.events, &c.id).await;
        expected.push(Told::Up(c.id.clone()));
        match reason {
            NodeDownReason::GracefulShutdown => assert!(c.leave()),
            _ => c.kill(),
        }
        assert_eq!(down(&mut mesh.events, &c.id).await, reason);
        expected.push(Told::Down(c.id.clone(), reason));
        // Each callback is a task of its own: one is not ahead of the other for long.
        eventually("the callbacks have heard of it", async || {
            *called.lock().unwrap() == expected
        })
        .await;
    }
    for told in expected {
        let event = stream.next().await.expect("it was told").unwrap();
        assert_eq!(Told::of(event), told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c40_a_slow_subscriber_is_told_how_many_events_it_missed() {
    let mesh = Mesh::start(["b"]).await;
    let cluster = mesh.cluster().clone();
    let b = &mesh.others[0].id;
    let (mut events, mut slow) = (cluster.subscribe(), cluster.subscribe());
    let began = std::time::Instant::now();
    for _ in 0..EVENTS_MAX / 2 + 1 {
        cluster.disconnect(b);
        down(&mut events, b).await;
        cluster.reconnect(b);
        up(&mut events, b).await;
    }
    println!("took {:?}", began.elapsed());
    let missed = slow.next().await.expect("the cluster runs").unwrap_err();
    assert_eq!(missed.0, 2);
    assert_eq!(
        missed.to_string(),
        "2 events were missed; take a fresh look at the nodes"
    );
    // The oldest one that is left comes next, and then all the others.
    let gone = Told::Down(b.clone(), NodeDownReason::GracefulShutdown);
    for _ in 0..EVENTS_MAX / 2 {
        for told in [gone.clone(), Told::Up(b.clone())] {
            let event = slow.next().await.expect("the cluster runs");
            assert_eq!(Told::of(event.unwrap()), told);
        }
    }
    let more = tokio::time::timeout(Duration::ZERO, slow.next()).await;
    assert!(more.is_err(), "{more:?}");
}
