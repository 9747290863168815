//! Nodes find each other.

use noex_cluster::{NextVersion, Status};
use tokio::time::timeout;

use super::harness::{DEADLINE, config, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_join_by_a_seed() {
    let mut a = start(config("a", &[]));
    let mut b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    b.sees(&[a.id()]).await;
    timeout(DEADLINE, b.cluster.running()).await.unwrap();
    assert_eq!(
        (a.cluster.status(), b.cluster.status()),
        (Status::Running, Status::Running)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_learns_everybody_from_one_live_seed_among_dead_ones() {
    let mut a = start(config("a", &[]));
    let mut b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    let mut c = start(
        config("c", &[a.id()])
            .seed("127.0.0.1:1")
            .seed("127.0.0.1:2"),
    );
    c.sees(&[a.id(), b.id()]).await;
    a.sees(&[b.id(), c.id()]).await;
    b.sees(&[a.id(), c.id()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_seeds_runs_at_once() {
    let a = start(config("a", &[]));
    timeout(DEADLINE, a.cluster.running()).await.unwrap();
    assert_eq!(a.cluster.status(), Status::Running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_dead_seeds_runs_alone_after_the_join_timeout() {
    let wait = std::time::Duration::from_millis(300);
    let a = start(config("a", &[]).seed("127.0.0.1:1").join_timeout(wait));
    timeout(DEADLINE, a.cluster.running()).await.unwrap();
    assert!(a.cluster.uptime() >= wait);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_that_starts_later_is_found() {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = probe.local_addr().unwrap().port();
    drop(probe);
    let mut b = start(config("b", &[]).seed(format!("a@127.0.0.1:{port}")));
    let a = start(config("a", &[]).port(port));
    b.sees(&[a.id()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_name_behind_a_seed_is_used() {
    let mut a = start(config("a", &[]));
    let port = a.id().port();
    let b = start(config("b", &[]).seed(format!("other@127.0.0.1:{port}")));
    a.sees(&[b.id()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_recognises_itself_among_its_seeds() {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = probe.local_addr().unwrap().port();
    drop(probe);
    let mut a = start(
        config("a", &[])
            .port(port)
            .seed(format!("a@127.0.0.1:{port}")),
    );
    let b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    assert_eq!(a.cluster.nodes().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_with_the_next_version_is_dialled_with_that() {
    let next = |config: noex_cluster::ClusterConfig| config.speak(NextVersion::Compatible);
    let mut old = start(config("b", &[]));
    let port = old.id().port();
    // It alone knows where the other one is, and remembers how that one spoke.
    let mut a = start(next(config("a", &[old.id()])));
    a.sees(&[old.id()]).await;
    old.stop().await;
    a.sees(&[]).await;
    let new = start(next(config("b", &[])).port(port));
    a.sees(&[new.id()]).await;
}
