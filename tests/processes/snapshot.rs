//! What a node sees of its cluster, and how it asks for more.

use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{CallError, NodeDownReason, NodeId, NodeInfo, NodeStatus, Snapshot, Status};

use crate::mesh::{Mesh, ask};
use crate::probe::{Probe, ProbeCall};
use crate::support::{INTERVAL, PATIENCE, Plan, THRESHOLD, config, down, eventually, up};

fn statuses(snapshot: &Snapshot) -> Vec<(&NodeId, NodeStatus)> {
    let nodes = snapshot.nodes.iter();
    nodes.map(|node| (&node.id, node.status)).collect()
}

fn ids<'a>(nodes: impl Iterator<Item = &'a NodeInfo>) -> Vec<&'a NodeId> {
    nodes.map(|node| &node.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c43_a_snapshot_tells_status_identity_uptime_and_every_node() {
    let began = Instant::now();
    let mut mesh = Mesh::start(["b", "c"]).await;
    let cluster = mesh.node.cluster().clone();
    let [b, c] = &mut mesh.others;
    let mut by_id = [b.id.clone(), c.id.clone()];
    by_id.sort();

    let snapshot = cluster.snapshot();
    assert_eq!(snapshot.status, Status::Running);
    assert_eq!(snapshot.local_node_id, *mesh.node.id());
    assert!(snapshot.uptime > Duration::ZERO && snapshot.uptime < began.elapsed());
    assert_eq!(ids(snapshot.nodes.iter()), by_id.iter().collect::<Vec<_>>());
    assert_eq!(
        ids(snapshot.connected_nodes()),
        by_id.iter().collect::<Vec<_>>()
    );
    assert_eq!(cluster.connected_nodes(), by_id);
    for node in &snapshot.nodes {
        assert!(node.uptime > Duration::ZERO && node.uptime < began.elapsed());
        // A node that is observed is heard of in time, or it is down.
        assert!(node.last_heartbeat_ago < INTERVAL * THRESHOLD);
    }

    c.kill();
    down(&mut mesh.events, &c.id).await;
    let mut expected = [(&b.id, NodeStatus::Up), (&c.id, NodeStatus::Down)];
    expected.sort_by_key(|(id, _)| *id);
    let snapshot = cluster.snapshot();
    assert_eq!(statuses(&snapshot), expected);
    assert_eq!(ids(snapshot.connected_nodes()), [&b.id]);

    assert!(b.leave());
    down(&mut mesh.events, &b.id).await;
    let mut expected = [(&b.id, NodeStatus::Left), (&c.id, NodeStatus::Down)];
    expected.sort_by_key(|(id, _)| *id);
    let snapshot = cluster.snapshot();
    assert_eq!(statuses(&snapshot), expected);
    assert_eq!(snapshot.connected_nodes().count(), 0);
    let uptimes: Duration = snapshot.nodes.iter().map(|node| node.uptime).sum();
    assert_eq!(uptimes, Duration::ZERO);

    mesh.node.stop().await;
    assert_eq!(cluster.snapshot().status, Status::Stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c43_a_node_tells_how_it_fares_when_it_is_asked() {
    let interval = Duration::from_secs(60);
    let plan = Plan::new("b").interval(interval);
    let config = config("t").heartbeat_interval(interval);
    let mut mesh = Mesh::start_with(config, [plan]).await;
    let cluster = mesh.node.cluster().clone();
    let b = mesh.others[0].id.clone();
    let before = cluster.node_info(&b).await.unwrap();
    assert_eq!((&before.id, before.status), (&b, NodeStatus::Up));
    {
        let _inside = mesh.node.enter();
        for number in 0..3 {
            let start = |reply| ProbeCall::Start(format!("more-{number}"), reply);
            ask("probe-b", start).await.unwrap();
        }
    }
    let after = cluster.node_info(&b).await.unwrap();
    assert_eq!(after.process_count, before.process_count + 3);
    assert!(after.uptime > before.uptime);
    assert!(after.last_heartbeat_ago < PATIENCE);
    let [seen] = &*cluster.nodes() else {
        panic!("there are two nodes")
    };
    // No heartbeat has come meanwhile.
    assert_eq!(seen.process_count, after.process_count);

    let nobody = "nobody@127.0.0.1:1".parse().unwrap();
    let gone = Err(CallError::NoConnection { sent: false });
    assert_eq!(cluster.node_info(&nobody).await, gone);
    mesh.others[0].kill();
    down(&mut mesh.events, &b).await;
    assert_eq!(cluster.node_info(&b).await, gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c45_a_member_that_was_disconnected_is_away_until_it_is_wanted_again() {
    let mut mesh = Mesh::start(["b"]).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let cluster = node.cluster().clone();
    let b = &mesh.others[0];
    let pid = node.registry().whereis("probe-b").unwrap();

    cluster.disconnect(&b.id);
    let reason = down(&mut mesh.events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert_eq!(b.wait_down(node.id()), "graceful_shutdown");
    let error = Probe::call(pid, ProbeCall::Where).await.unwrap_err();
    assert_eq!(error, CallError::NoConnection { sent: false });
    let comes_back = |line: &str| line.starts_with("up");
    assert!(b.says_nothing(INTERVAL * THRESHOLD * 2, comes_back));
    assert!(cluster.connected_nodes().is_empty());

    cluster.reconnect(&b.id);
    up(&mut mesh.events, &b.id).await;
    b.wait_up(node.id());
    let (id, same) = Probe::call(pid, ProbeCall::Where).await.unwrap();
    assert_eq!((&id, same), (&b.id, pid));
    eventually("its name is back", async || {
        node.registry().whereis("probe-b") == Some(pid)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c45_a_node_that_is_down_is_dialled_at_once_when_it_is_wanted() {
    let long = Duration::from_secs(60);
    let config = config("t")
        .reconnect_base_delay(long)
        .reconnect_max_delay(long);
    let config = config.reconnect_jitter(noex::Jitter::Off);
    let mut mesh = Mesh::start_with(config, [Plan::new("b")]).await;
    let cluster = mesh.node.cluster().clone();
    let b = mesh.others[0].id.clone();
    mesh.others[0].kill();
    down(&mut mesh.events, &b).await;
    // It has no seed, so it does not look for the others itself.
    let back = Plan::new("b").port(b.port()).start();
    assert_eq!(back.id, b);
    cluster.reconnect(&b);
    up(&mut mesh.events, &b).await;
}
