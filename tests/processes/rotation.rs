//! Secrets of a running cluster are replaced, node by node.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use noex::prelude::*;
use noex::{CallError, Secret};
use tempfile::TempDir;

use crate::mesh::{Mesh, ask, known};
use crate::probe::{Probe, ProbeCall, ProbeCast};
use crate::support::{NodeProcess, Plan, config, eventually};

const OLD: &str = "the secret that everybody has at first";
const NEW: &str = "the secret that everybody has at last";

/// The files of secrets of each node.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes the file of this node at once, as whoever manages secrets does.
    fn write(&self, name: &str, secrets: &[&str]) -> PathBuf {
        let (path, draft) = (self.0.path().join(name), self.0.path().join("draft"));
        std::fs::write(&draft, secrets.join("\n")).unwrap();
        std::fs::rename(&draft, &path).unwrap();
        path
    }

    fn plan(&self, name: &str, secrets: &[&str]) -> Plan {
        Plan::new(name)
            .secret_file(&self.write(name, secrets))
            .log("info")
    }
}

/// Calls and casts without a pause, until it is told to stop.
struct Load {
    is_over: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<Result<u64, CallError>>>,
}

impl Load {
    fn start(probes: &[String]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let tasks = probes.iter().map(|probe| {
            let (probe, is_over) = (probe.clone(), Arc::clone(&is_over));
            noex::spawn(async move {
                let mut count = 0;
                while !is_over.load(Ordering::Relaxed) {
                    Probe::cast(Global(&*probe), ProbeCast::Note(count)).unwrap();
                    let text = format!("{probe} {count}");
                    let echo = |reply| ProbeCall::Echo(text.clone(), reply);
                    assert_eq!(Probe::call(Global(&*probe), echo).await?, text);
                    count += 1;
                    tokio::task::yield_now().await;
                }
                Ok(count)
            })
        });
        Self {
            tasks: tasks.collect(),
            is_over,
        }
    }

    /// How many calls and casts each probe got; none was lost.
    async fn end(self) -> Vec<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut counts = Vec::new();
        for task in self.tasks {
            counts.push(task.await.unwrap().unwrap());
        }
        counts
    }
}

/// Waits until the node has taken in its file so many times.
async fn replaced(process: &NodeProcess, times: usize) {
    let what = format!("{} replaces its secrets, time {times}", process.id);
    let words = ["the secrets were replaced"];
    eventually(&what, async || process.logged_times(&words) == times).await;
}

/// Waits until the node of this probe is connected with so many others.
async fn meets_all(mesh: &Mesh<2>, probe: &str, others: usize) {
    known(mesh, probe).await;
    let what = format!("{probe}'s node meets all others");
    let connected = async || mesh.connected(probe).await.len() == others;
    eventually(&what, connected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c12_a_running_cluster_is_moved_to_a_new_secret_and_no_message_is_lost() {
    let files = Files::new();
    let plans = ["b", "c"].map(|name| files.plan(name, &[OLD]));
    let mesh = Mesh::start_with(config("t").secret(Secret::new(OLD)), plans).await;
    let _inside = mesh.enter();
    let [b, c] = &mesh.others;
    let load = Load::start(&["probe-b".to_owned(), "probe-c".to_owned()]);

    // The first half: each node accepts both, and dials with the new one first.
    files.write("b", &[NEW, OLD]);
    replaced(b, 1).await;
    // Who has both comes to one that has the old one only, and to one that has both.
    let d = files.plan("d", &[NEW, OLD]).seed(&c.id).start();
    meets_all(&mesh, "probe-d", 3).await;
    files.write("c", &[NEW, OLD]);
    replaced(c, 1).await;
    let set = mesh
        .cluster()
        .set_secrets(&Secret::new(NEW), &[Secret::new(OLD)]);
    set.unwrap();

    // The second half: nobody accepts the old one any more.
    for node in [b, c, &d] {
        files.write(node.id.name(), &[NEW]);
    }
    replaced(b, 2).await;
    replaced(c, 2).await;
    replaced(&d, 1).await;
    mesh.cluster().set_secrets(&Secret::new(NEW), &[]).unwrap();

    // Who has the new one joins, who has the old one does not.
    let e = files.plan("e", &[NEW]).seed(&b.id).start();
    meets_all(&mesh, "probe-e", 4).await;
    let stranger = files.plan("x", &[OLD]).seed(&b.id).start();
    stranger.logged(&["WARN", "another secret"]).await;
    b.logged(&["WARN", "another secret"]).await;
    assert_eq!(stranger.told_of(&b.id), [""; 0]);

    for (probe, count) in ["probe-b", "probe-c"].into_iter().zip(load.end().await) {
        assert!(count > 100, "{probe} got {count} calls");
        let casts = ask(probe, ProbeCall::Casts).await;
        assert!(casts.into_iter().eq(0..count), "{probe} missed a cast");
    }
    let down = |line: &str| line.starts_with("down");
    for node in [b, c, &d, &e] {
        assert!(node.says_nothing(Duration::ZERO, down));
        let told = node.log();
        assert!(
            told.iter()
                .all(|line| !line.contains(OLD) && !line.contains(NEW))
        );
        // Nobody took a member for a stranger meanwhile.
        let warnings = usize::from(node.id == b.id);
        assert_eq!(node.logged_times(&["WARN"]), warnings, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c12_a_file_that_can_not_be_used_leaves_the_secrets_as_they_are() {
    let files = Files::new();
    let b = files.plan("b", &[OLD]).start();
    files.write("b", &[]);
    b.logged(&["WARN", "the secrets that it held before", "is empty"])
        .await;
    let c = files.plan("c", &[OLD]).seed(&b.id).start();
    c.wait_up(&b.id);
    b.wait_up(&c.id);
    files.write("b", &[NEW]);
    replaced(&b, 1).await;
}
