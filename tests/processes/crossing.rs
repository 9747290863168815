//! Nodes that dial each other at the same moment.

use std::net::TcpListener;
use std::time::Duration;

use noex::prelude::*;
use noex::{ClusterEvent, Events, NodeDownReason, NodeId};

use crate::probe::{Probe, ProbeCall};
use crate::support::{Plan, config, eventually};

/// Two ports that are free at this moment.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Two nodes that have each other as seed; `None` if somebody else took a port meanwhile.
async fn pair() -> Option<[Node; 2]> {
    let [one, other] = free_ports();
    let start = |name: &str, port: u16, seed: u16| {
        let seed = format!("127.0.0.1:{seed}");
        Node::start(config(name).port(port).seed(seed))
    };
    let (a, b) = tokio::join!(start("a", one, other), start("b", other, one));
    Some([a.ok()?, b.ok()?])
}

fn is_joined(node: &Node, other: &NodeId) -> bool {
    let (cluster, other) = (node.cluster(), std::slice::from_ref(other));
    let stats = cluster.stats();
    cluster.connected_nodes() == other && stats.sessions == 1 && stats.pending_dials == 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_dial_each_other_a_hundred_times_keep_one_session_and_one_view() {
    let mut rounds = 0;
    while rounds < 100 {
        let Some([a, b]) = pair().await else { continue };
        rounds += 1;
        let mut events = [a.cluster().subscribe(), b.cluster().subscribe()];
        let probe = Probe::start(()).name("probe").on(b.local());
        probe.await.unwrap();
        for (node, other) in [(&a, &b), (&b, &a)] {
            let what = format!("{} has one session in round {rounds}", node.id());
            eventually(&what, async || is_joined(node, other.id())).await;
        }
        let inside = a.enter();
        let (answered, _) = Probe::call(("probe", b.id()), ProbeCall::Where)
            .await
            .unwrap();
        drop(inside);
        assert_eq!(answered, *b.id());
        assert!(is_joined(&a, b.id()) && is_joined(&b, a.id()));
        b.stop().await;
        a.stop().await;
        for events in &mut events {
            let downs = downs(events).await;
            assert_eq!(downs, [NodeDownReason::GracefulShutdown], "round {rounds}");
        }
    }
}

/// Why nodes went down, until the node that tells has stopped.
async fn downs(events: &mut Events) -> Vec<NodeDownReason> {
    let mut downs = Vec::new();
    while let Some(event) = events.next().await {
        if let ClusterEvent::NodeDown { reason, .. } = event.unwrap() {
            downs.push(reason);
        }
    }
    downs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_dial_each_other_keep_one_session() {
    for _round in 0..5 {
        let [one, other] = free_ports();
        let start = |name: &'static str, port: u16, seed: u16| {
            let seed = format!("127.0.0.1:{seed}");
            std::thread::spawn(move || Plan::new(name).port(port).seed(&seed).start())
        };
        let started = [start("b", one, other), start("c", other, one)];
        let [b, c] = started.map(|thread| thread.join().unwrap());
        b.wait_up(&c.id);
        c.wait_up(&b.id);
        let quiet = Duration::from_millis(200);
        let down = |line: &str| line.starts_with("down");
        assert!(b.says_nothing(quiet, down) && c.says_nothing(quiet, down));
        assert_eq!(b.told_of(&c.id), ["up"]);
        assert_eq!(c.told_of(&b.id), ["up"]);
    }
}
