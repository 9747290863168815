//! Nodes as processes, and the node of the test itself.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{ClusterEvent, Events, NodeDownReason, NodeId, Secret};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that should happen soon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The heartbeats of the tests: detection after a second and a half.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);
pub(crate) const THRESHOLD: u32 = 3;

pub(crate) const SECRET: &str = "a secret for tests only";

/// A node in a process of its own; killed when it is dropped.
pub(crate) struct NodeProcess {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    pub(crate) id: NodeId,
}

/// How a node's process is started.
pub(crate) struct Plan {
    name: String,
    port: u16,
    seeds: Vec<String>,
    secret: Option<String>,
}

impl Plan {
    pub(crate) fn new(name: &str) -> Self {
        let secret = Some(SECRET.to_owned());
        Self {
            name: name.to_owned(),
            port: 0,
            seeds: Vec::new(),
            secret,
        }
    }

    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    pub(crate) fn seed(mut self, seed: &NodeId) -> Self {
        self.seeds.push(seed.to_string());
        self
    }

    pub(crate) fn secret(mut self, secret: Option<&str>) -> Self {
        self.secret = secret.map(str::to_owned);
        self
    }

    /// Starts the process and waits until its node is ready.
    pub(crate) fn start(self) -> NodeProcess {
        let mut command = Command::new(program());
        command
            .env("NOEX_NAME", &self.name)
            .env("NOEX_LISTEN", "127.0.0.1")
            .env("NOEX_PORT", self.port.to_string())
            .env("NOEX_SEEDS", self.seeds.join(","))
            .env("NOEX_JOIN_TIMEOUT", "500ms")
            .env(
                "NOEX_HEARTBEAT_INTERVAL",
                format!("{}ms", INTERVAL.as_millis()),
            )
            .env("NOEX_MISS_THRESHOLD", THRESHOLD.to_string())
            .env("RUST_LOG", "warn")
            .env_remove("NOEX_SECRET")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(secret) = &self.secret {
            command.env("NOEX_SECRET", secret);
        }
        let mut child = command.spawn().expect("the node's program starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (tx, lines) = channel();
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .all(|line| tx.send(line).is_ok())
        });
        let ready = lines.recv_timeout(PATIENCE).expect("the node gets ready");
        let id = ready
            .strip_prefix("ready ")
            .expect("its first line says so");
        let id = id.parse().expect("it is a node id");
        NodeProcess {
            child,
            input,
            lines,
            id,
        }
    }
}

/// The program that `tests/processes/node.rs` is built to. `cargo test` builds it first.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().expect("this test runs from a file");
    path.pop();
    path.pop();
    path.push("examples/test_node");
    assert!(path.exists(), "run `cargo build --example test_node` first");
    path
}

impl NodeProcess {
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process runs");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the process runs");
        self.child.wait().expect("it ends");
    }

    /// Lets the node end in order, and waits for that; whether it ended with code 0.
    pub(crate) fn leave(&mut self) -> bool {
        drop(self.input.take());
        self.child.wait().expect("it ends").success()
    }

    /// Waits for a line that `is_it` likes, and passes over others.
    pub(crate) fn wait_for(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if is_it(&line) => return line,
                Ok(_) => {}
                Err(error) => panic!("{} never said `{what}`: {error}", self.id),
            }
        }
    }

    pub(crate) fn wait_up(&self, other: &NodeId) {
        let line = format!("up {other}");
        self.wait_for(&line, |said| said == line);
    }

    /// Waits until this node says that `other` is down; the reason that it gives.
    pub(crate) fn wait_down(&self, other: &NodeId) -> String {
        let prefix = format!("down {other} ");
        let line = self.wait_for(&prefix, |said| said.starts_with(&prefix));
        line[prefix.len()..].to_owned()
    }

    /// Whether it says nothing that `is_it` likes for `time`.
    pub(crate) fn says_nothing(&self, time: Duration, is_it: impl Fn(&str) -> bool) -> bool {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if is_it(&line) => return false,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return true,
            }
        }
    }

    /// The global name of its probe.
    pub(crate) fn probe(&self) -> String {
        format!("probe-{}", self.id.name())
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // A stopped process is killed all the same.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::io::stderr().flush());
    }
}

/// The configuration of a node in the test's own process.
pub(crate) fn config(name: &str) -> ClusterConfig {
    ClusterConfig::new(name)
        .listen("127.0.0.1")
        .port(0)
        .secret(Secret::new(SECRET))
        .heartbeat_interval(INTERVAL)
        .miss_threshold(THRESHOLD)
        .join_timeout(Duration::from_millis(500))
}

/// Waits for the node to be up, as `events` tell.
pub(crate) async fn up(events: &mut Events, node: &NodeId) {
    let told = async {
        loop {
            match events.next().await {
                Some(Ok(ClusterEvent::NodeUp(info))) if info.id == *node => return,
                Some(_) => {}
                None => panic!("the events ended"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, told)
        .await
        .unwrap_or_else(|_| panic!("{node} never came up"));
}

/// Waits for the node to be down, as `events` tell; the reason.
pub(crate) async fn down(events: &mut Events, node: &NodeId) -> NodeDownReason {
    let told = async {
        loop {
            match events.next().await {
                Some(Ok(ClusterEvent::NodeDown { id, reason })) if id == *node => return reason,
                Some(_) => {}
                None => panic!("the events ended"),
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    told.unwrap_or_else(|_| panic!("{node} never went down"))
}

/// Asks again and again until the answer pleases: for what must come true soon, of which nothing
/// tells.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let mut ask = tokio::time::interval(Duration::from_millis(10));
    let true_at_last = async {
        while !is_so().await {
            ask.tick().await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, true_at_last).await;
    told.unwrap_or_else(|_| panic!("never came true: {what}"));
}
