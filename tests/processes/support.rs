//! Nodes as processes, and the node of the test itself.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{ClusterEvent, Events, NodeDownReason, NodeId, Secret};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that should happen soon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The heartbeats of the tests: detection after a second and a half.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);
pub(crate) const THRESHOLD: u32 = 3;

/// How long a node looks for others before it runs alone.
pub(crate) const JOIN_TIMEOUT: Duration = Duration::from_millis(500);

pub(crate) const SECRET: &str = "a secret for tests only";

/// A node in a process of its own; killed when it is dropped.
pub(crate) struct NodeProcess {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// The lines that it said and that were read so far.
    said: RefCell<Vec<String>>,
    log: Arc<Mutex<Vec<String>>>,
    pub(crate) id: NodeId,
}

/// How a node's process is started.
pub(crate) struct Plan {
    name: String,
    program: &'static str,
    arguments: &'static [&'static str],
    port: u16,
    seeds: Vec<String>,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    log: &'static str,
    log_file: Option<&'static str>,
    interval: Duration,
    /// Further variables, stronger than what is said above.
    variables: Vec<(&'static str, String)>,
    /// The words in front of the program's own.
    prefix: Vec<String>,
}

impl Plan {
    pub(crate) fn new(name: &str) -> Self {
        let secret = Some(SECRET.to_owned());
        Self {
            name: name.to_owned(),
            program: "test_node",
            arguments: &[],
            port: 0,
            seeds: Vec::new(),
            secret,
            secret_file: None,
            log: "warn",
            log_file: None,
            interval: INTERVAL,
            variables: Vec::new(),
            prefix: Vec::new(),
        }
    }

    pub(crate) fn variable(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.variables.push((name, value.to_string()));
        self
    }

    /// Starts the program by this command, which takes the program behind its own words.
    pub(crate) fn prefix(mut self, prefix: Vec<String>) -> Self {
        self.prefix = prefix;
        self
    }

    /// The example that is started, in the place of `tests/processes/node.rs`.
    pub(crate) fn program(mut self, example: &'static str) -> Self {
        self.program = example;
        self
    }

    pub(crate) fn arguments(mut self, arguments: &'static [&'static str]) -> Self {
        self.arguments = arguments;
        self
    }

    pub(crate) fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    pub(crate) fn seed(mut self, seed: &(impl ToString + ?Sized)) -> Self {
        self.seeds.push(seed.to_string());
        self
    }

    pub(crate) fn secret(mut self, secret: Option<&str>) -> Self {
        self.secret = secret.map(str::to_owned);
        self
    }

    /// Takes the secrets from this file.
    pub(crate) fn secret_file(mut self, path: &Path) -> Self {
        (self.secret, self.secret_file) = (None, Some(path.to_owned()));
        self
    }

    /// Logs from this level on, in the place of `warn`.
    pub(crate) fn log(mut self, level: &'static str) -> Self {
        self.log = level;
        self
    }

    /// Logs into this file, and shows none of it.
    pub(crate) fn log_file(mut self, path: &'static str) -> Self {
        self.log_file = Some(path);
        self
    }

    /// Starts the process and waits until its node is ready.
    pub(crate) fn start(self) -> NodeProcess {
        let mut child = self.command().spawn().expect("the node's program starts");
        let input = child.stdin.take();
        let lines = lines_of(child.stdout.take().expect("it is piped"));
        let log = child.stderr.take().map(collect).unwrap_or_default();
        let ready = match lines.recv_timeout(PATIENCE) {
            Ok(ready) => ready,
            Err(error) => {
                drop(child.kill());
                panic!("{} never got ready: {error}", self.name);
            }
        };
        let id = ready
            .strip_prefix("ready ")
            .expect("its first line says so");
        let id = id.parse().expect("it is a node id");
        NodeProcess {
            child,
            input,
            lines,
            said: RefCell::default(),
            log,
            id,
        }
    }

    /// Starts the process, which must refuse to run; what it logs.
    pub(crate) fn refused(self) -> String {
        let output = self.command().output().expect("the node's program starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            !output.status.success() && said.is_empty(),
            "it runs: {said}"
        );
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn command(&self) -> Command {
        let program = program(self.program);
        let mut command = match self.prefix.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
        command
            .args(self.arguments)
            .env("NOEX_NAME", &self.name)
            .env("NOEX_LISTEN", "127.0.0.1")
            .env("NOEX_PORT", self.port.to_string())
            .env("NOEX_SEEDS", self.seeds.join(","))
            .env("NOEX_JOIN_TIMEOUT", milliseconds(JOIN_TIMEOUT))
            .env("NOEX_HEARTBEAT_INTERVAL", milliseconds(self.interval))
            .env("NOEX_MISS_THRESHOLD", THRESHOLD.to_string())
            .env("RUST_LOG", self.log)
            .env_remove("NOEX_SECRET")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(path) = self.log_file {
            let file = File::options().write(true).open(path);
            command.stderr(file.expect("it can be written"));
        }
        if let Some(secret) = &self.secret {
            command.env("NOEX_SECRET", secret);
        }
        if let Some(path) = &self.secret_file {
            command.env("NOEX_SECRET_FILE", path);
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
    }
}

/// What the process says, line by line.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (tx, lines) = channel();
    std::thread::spawn(move || {
        let output = BufReader::new(output).lines();
        output
            .map_while(Result::ok)
            .all(|line| tx.send(line).is_ok())
    });
    lines
}

/// What the process logs; shown if the test fails.
fn collect(output: impl Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            eprintln!("{line}");
            collected.lock().expect("nobody panics with it").push(line);
        }
    });
    log
}

/// The program that an example is built to. `cargo test` builds it first.
fn program(example: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("this test runs from a file");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(example);
    assert!(path.exists(), "run `cargo build --example {example}` first");
    path
}

impl NodeProcess {
    /// Sends a signal. One that stops the process has done so: it is sent to all of its threads,
    /// and one that runs goes on for a moment.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process runs");
        while signal == Signal::STOP && !self.is_stopped() {
            std::thread::yield_now();
        }
    }

    fn is_stopped(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid()));
        threads.expect("the process is there").all(|thread| {
            let path = thread.expect("its threads can be listed").path();
            // One that has ended meanwhile does nothing either.
            let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
            let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
            state.is_none_or(|state| state == b'T')
        })
    }

    /// The number by which the operating system knows the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
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

    /// Waits for the process to end; whether it ended with code 0.
    pub(crate) fn ended(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{} did not end in {patience:?}", self.id);
    }

    /// Waits for a line that `is_it` likes, and passes over others.
    pub(crate) fn wait_for(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        match self.next_line(PATIENCE, is_it) {
            Ok(line) => line,
            Err(error) => panic!("{} never said `{what}`: {error}", self.id),
        }
    }

    /// Whether it says nothing that `is_it` likes for `time`.
    pub(crate) fn says_nothing(&self, time: Duration, is_it: impl Fn(&str) -> bool) -> bool {
        self.next_line(time, is_it).is_err()
    }

    fn next_line(
        &self,
        patience: Duration,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<String, RecvTimeoutError> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left)?;
            self.said.borrow_mut().push(line.clone());
            if is_it(&line) {
                return Ok(line);
            }
        }
    }

    /// The comings and goings of `other` that it has told of so far, without the node's name.
    pub(crate) fn told_so_far(&self, other: &NodeId) -> Vec<String> {
        self.said.borrow_mut().extend(self.lines.try_iter());
        self.told_of(other)
    }

    /// The comings and goings of `other` that were read so far, without the node's name.
    pub(crate) fn told_of(&self, other: &NodeId) -> Vec<String> {
        let (other, said) = (format!(" {other}"), self.said.borrow());
        let of_other = said.iter().filter(|line| line.contains(&other));
        of_other.map(|line| line.replace(&other, "")).collect()
    }

    /// Waits until it has told of these comings and goings of `other`, and of no others, whatever
    /// it told of other nodes in between.
    pub(crate) async fn tells_of(&self, other: &NodeId, expected: &[&str]) {
        eventually(
            &format!("{} tells of {other}: {expected:?}", self.id),
            async || {
                let more = self.lines.try_iter();
                self.said.borrow_mut().extend(more);
                self.told_of(other) == expected
            },
        )
        .await;
    }

    /// Waits until it has logged a line with all of these words; the line.
    pub(crate) async fn logged(&self, words: &[&str]) -> String {
        let all = |line: &String| words.iter().all(|word| line.contains(word));
        let what = format!("{} logs {words:?}", self.id);
        eventually(&what, async || self.log().iter().any(all)).await;
        self.log().into_iter().find(all).expect("it was there")
    }

    /// How many lines it has logged with all of these words.
    pub(crate) fn logged_times(&self, words: &[&str]) -> usize {
        let all = |line: &&String| words.iter().all(|word| line.contains(word));
        self.log().iter().filter(all).count()
    }

    /// The address at which its node is dialled.
    pub(crate) fn address(&self) -> SocketAddr {
        let host = self.id.host().parse().expect("tests listen on an address");
        SocketAddr::new(host, self.id.port())
    }

    /// All lines behind the first that it ever said, once it has ended.
    pub(crate) fn all_said(&self) -> Vec<String> {
        let mut said = self.said.borrow_mut();
        said.extend(self.lines.iter());
        said.clone()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("nobody panics with it").clone()
    }

    /// What it has logged so far, but for the one line of a node that runs alone at first.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut log = self.log();
        log.retain(|line| !line.contains("runs alone"));
        log
    }

    /// The memory that it holds, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1));
        size.and_then(|size| size.parse().ok())
            .expect("the system tells it")
    }

    /// Whether its memory holds this text anywhere where it may write.
    pub(crate) fn memory_holds(&self, text: &str) -> bool {
        let process = format!("/proc/{}", self.child.id());
        let maps = std::fs::read_to_string(format!("{process}/maps")).expect("it runs");
        let memory = File::open(format!("{process}/mem")).expect("its parent may read it");
        let writable = maps.lines().filter(|line| line.contains(" rw"));
        writable.filter_map(range_of).any(|(start, size)| {
            let mut bytes = vec![0; size];
            // What it gave back meanwhile can't be read.
            let is_read = memory.read_exact_at(&mut bytes, start).is_ok();
            is_read && contains(&bytes, text)
        })
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

    /// The global name of its probe.
    pub(crate) fn probe(&self) -> String {
        format!("probe-{}", self.id.name())
    }
}

/// Where a line of `/proc/PID/maps` says that memory begins, and how much there is.
fn range_of(line: &str) -> Option<(u64, usize)> {
    let (start, end) = line.split_whitespace().next()?.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let size = u64::from_str_radix(end, 16).ok()?.checked_sub(start)?;
    Some((start, usize::try_from(size).ok()?))
}

pub(crate) fn contains(bytes: &[u8], text: &str) -> bool {
    let mut windows = bytes.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // A stopped process is killed all the same.
        drop(self.child.kill());
        drop(self.child.wait());
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
        .join_timeout(JOIN_TIMEOUT)
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
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let mut ask = tokio::time::interval(Duration::from_millis(10));
    let true_at_last = async {
        while !is_so().await {
            ask.tick().await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, true_at_last).await;
    told.unwrap_or_else(|_| panic!("never came true: {what}"));
}
