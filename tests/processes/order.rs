//! What one process does to another arrives in that order, on one node and across nodes.

use noex::Pid;
use noex::prelude::*;

use crate::mesh::{Mesh, ask};
use crate::probe::{Probe, ProbeCall, ProbeCast};
use crate::support::eventually;

/// More than fit in one write.
const MANY: u64 = 20_000;

/// Starts a probe without a supervisor on the node of `asked`.
async fn start(asked: &str, name: &str) -> Pid {
    let started = ask(asked, |reply| ProbeCall::Start(name.to_owned(), reply)).await;
    started.unwrap()
}

/// A probe on each node of two, one of them the test's own.
async fn each_node(mesh: &Mesh<1>) -> [Pid; 2] {
    let _inside = mesh.enter();
    [
        start("probe-t", "here").await,
        start("probe-b", "there").await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c52_a_stop_comes_behind_all_casts_here_and_there() {
    let mesh = Mesh::start(["b"]).await;
    for pid in each_node(&mesh).await {
        let _inside = mesh.enter();
        let watcher = mesh.registry().whereis("probe-t").unwrap();
        ask("probe-t", |reply| ProbeCall::Watch(pid, reply)).await;
        for number in 0..MANY {
            Probe::cast(pid, ProbeCast::Note(number)).unwrap();
        }
        // It passes on what it has got when it is asked to end.
        Probe::cast(pid, ProbeCast::Bequeath(watcher)).unwrap();
        Probe::stop(pid).await.unwrap();
        let casts = ended(watcher).await;
        assert_eq!(casts.len() as u64, MANY + 1);
        assert!(
            casts
                .iter()
                .zip(0..MANY)
                .all(|(cast, number)| *cast == number)
        );
        ask("probe-t", ProbeCall::Forget).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_message_of_a_process_comes_before_its_end_here_and_there() {
    let mesh = Mesh::start(["b"]).await;
    for pid in each_node(&mesh).await {
        let _inside = mesh.enter();
        let watcher = mesh.registry().whereis("probe-t").unwrap();
        ask("probe-t", |reply| ProbeCall::Watch(pid, reply)).await;
        let numbers: Vec<u64> = (0..MANY).collect();
        let end = |reply| ProbeCall::CastAndEnd(watcher, numbers.clone(), reply);
        Probe::call(pid, end).await.unwrap();
        let mut expected = numbers.clone();
        expected.push(u64::MAX);
        assert!(ended(watcher).await == expected, "in another order");
        ask("probe-t", ProbeCall::Forget).await;
    }
}

/// What the watcher has got when it has heard of the end.
async fn ended(watcher: Pid) -> Vec<u64> {
    let casts = async || Probe::call(watcher, ProbeCall::Casts).await.unwrap();
    let told = async || casts().await.contains(&u64::MAX);
    eventually("the watcher hears of the end", told).await;
    casts().await
}
