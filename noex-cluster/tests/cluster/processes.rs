//! Nodes in processes of their own, which are killed and paused.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use noex_cluster::ClusterConfig;
use noex_core::{NodeDownReason, NodeId};
use tokio::time::Instant;

use super::harness::{config, start};

const INTERVAL: Duration = Duration::from_millis(500);
const THRESHOLD: u32 = 4;

/// Tells the child of a test whom to join.
const SEED_VARIABLE: &str = "NOEX_TEST_SEED";

/// A process that is killed at the end of its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been killed before.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    /// Runs this test binary again, as a node that joins `seed`.
    fn start(seed: &NodeId) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "processes::the_node_of_another_process",
            "--ignored",
        ]);
        command
            .args(["--nocapture"])
            .env(SEED_VARIABLE, seed.to_string());
        Self(
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

fn slow(name: &str, seeds: &[&NodeId]) -> ClusterConfig {
    config(name, seeds)
        .heartbeat_interval(INTERVAL)
        .miss_threshold(THRESHOLD)
}

/// Not a test: what [`Process::start`] runs, until its parent is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests"]
async fn the_node_of_another_process() {
    let Ok(seed) = std::env::var(SEED_VARIABLE) else {
        return;
    };
    let _node = start(slow("child", &[&seed.parse().unwrap()]));
    let parent = tokio::task::spawn_blocking(|| {
        BufReader::new(std::io::stdin()).lines().for_each(drop);
    });
    parent.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_is_down_within_a_second() {
    let mut a = start(slow("a", &[]));
    let child = Process::start(a.id());
    let id = a.node_up().await.id;
    let killed_at = Instant::now();
    child.signal("-KILL");
    assert_eq!(a.node_down().await, (id, NodeDownReason::ConnectionClosed));
    let after = killed_at.elapsed();
    assert!(after < Duration::from_secs(1), "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_process_is_down_in_time_and_comes_back_as_the_same_life() {
    let mut a = start(slow("a", &[]));
    let child = Process::start(a.id());
    let id = a.node_up().await.id;
    let creation = a.node.peers()[0].creation;
    let paused_at = Instant::now();
    child.signal("-STOP");
    assert_eq!(
        a.node_down().await,
        (id.clone(), NodeDownReason::HeartbeatTimeout)
    );
    let after = paused_at.elapsed();
    let detection = INTERVAL * THRESHOLD;
    assert!(after >= detection - INTERVAL, "{after:?}");
    assert!(after <= detection.mul_f64(1.1), "{after:?}");
    child.signal("-CONT");
    assert_eq!(a.node_up().await.id, id);
    assert_eq!(a.node.peers()[0].creation, creation);
}
