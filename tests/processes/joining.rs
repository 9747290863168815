//! Nodes find each other from seeds, and reach each other's servers by name.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use noex::Status;
use noex::prelude::*;

use crate::mesh::{Mesh, ask, ask_to_ask, known};
use crate::probe::ProbeCall;
use crate::support::{JOIN_TIMEOUT, PATIENCE, Plan, config};

/// A seed behind which nobody listens, and its port.
pub(crate) fn dead_seed() -> (String, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (format!("127.0.0.1:{port}"), port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c50_each_of_two_nodes_calls_the_other_by_name() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let (node, pid) = ask("probe-b", ProbeCall::Where).await;
    assert_eq!(node, mesh.others[0].id);
    assert_eq!(mesh.registry().whereis("probe-b"), Some(pid));
    let (back, _) = ask_to_ask("probe-b", "probe-t").await.unwrap();
    assert_eq!(back, *mesh.id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c50_each_of_three_nodes_calls_each_other_by_name() {
    let mesh = Mesh::start(["b", "c"]).await;
    let _inside = mesh.enter();
    for asked in mesh.probes() {
        for other in mesh.probes().iter().filter(|other| **other != asked) {
            let (node, _) = ask_to_ask(&asked, other).await.unwrap();
            assert_eq!(format!("probe-{}", node.name()), *other);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c05_one_live_seed_among_dead_ones_leads_to_every_member() {
    let mesh = Mesh::start(["b", "c"]).await;
    let [b, c] = &mesh.others;
    let seeds = [dead_seed().0, b.id.to_string(), dead_seed().0];
    let late = Node::start(config("late").seeds(seeds)).await.unwrap();
    let _inside = late.enter();
    for probe in mesh.probes() {
        known(&late, &probe).await;
        let (node, _) = ask(&probe, ProbeCall::Where).await;
        assert_eq!(format!("probe-{}", node.name()), probe);
    }
    let mut members = late.cluster().connected_nodes();
    members.sort();
    let mut expected = [mesh.id().clone(), b.id.clone(), c.id.clone()];
    expected.sort();
    assert_eq!(members, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_a_seed_with_a_name_without_and_with_another_one_works() {
    let node = Node::start(config("t")).await.unwrap();
    let address = format!("{}:{}", node.id().host(), node.id().port());
    let seeds = [format!("t@{address}"), address.clone()];
    for (name, seed) in ["named", "nameless"].into_iter().zip(seeds) {
        let process = Plan::new(name).seed(&seed).start();
        process.wait_up(node.id());
        assert_eq!(process.log(), [""; 0]);
    }
    let seed = format!("nobody@{address}");
    let process = Plan::new("misled").seed(&seed).start();
    process.wait_up(node.id());
    let warning = process.logged(&["another name"]).await;
    assert!(warning.contains("expected=\"nobody\"") && warning.contains(&address));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c04_the_first_node_runs_at_once() {
    let patient = config("t").join_timeout(PATIENCE * 2);
    let node = Node::start(patient).await.unwrap();
    let running = node.cluster().running();
    tokio::time::timeout(PATIENCE, running).await.unwrap();
    assert_eq!(node.cluster().status(), Status::Running);
    assert!(node.cluster().connected_nodes().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c04_a_node_with_dead_seeds_runs_after_the_join_timeout_and_goes_on_searching() {
    let (seed, port) = dead_seed();
    let began = Instant::now();
    let process = Plan::new("b").seed(&seed).start();
    let took = began.elapsed();
    assert!(took >= JOIN_TIMEOUT, "{took:?}");
    assert!(took < JOIN_TIMEOUT + Duration::from_secs(5), "{took:?}");
    let late = Node::start(config("late").port(port)).await.unwrap();
    process.wait_up(late.id());
}
