//! `Hosts`: a node on each host of a network, and what they see of each other.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::chronicle::{Chronicle, Entry, PATIENCE};
use crate::network::{HOSTS, Network, address};

/// The heartbeats of most tests.
pub(crate) const INTERVAL: Duration = Duration::from_millis(300);
pub(crate) const THRESHOLD: u32 = 4;
pub(crate) const DETECTION: Duration = Duration::from_millis(1_200);

/// In a split all that are gone are down by then.
pub(crate) const SPLIT_BOUND: Duration = Duration::from_millis(1_200 + 600 + 500);

/// How soon all see each other again when nothing is in between any more.
pub(crate) const HEAL_BOUND: Duration = Duration::from_secs(2);

const PORT: u16 = 4369;

/// One test at a time, so that none takes the time of another one.
static TURN: Mutex<()> = Mutex::new(());

/// A node on each host. They are gone when this is dropped.
pub(crate) struct Hosts {
    pub(crate) nodes: Vec<Option<NodeProcess>>,
    pub(crate) chronicle: Arc<Chronicle>,
    pub(crate) network: Network,
    settings: Vec<(&'static str, String)>,
    _turn: MutexGuard<'static, ()>,
}

/// A node's process, which ends in order when its standard input does; killed when it is dropped.
pub(crate) struct NodeProcess {
    child: Child,
    /// Whether its node has said so.
    is_running: Arc<AtomicBool>,
    _input: ChildStdin,
}

impl Hosts {
    /// Starts a node on each host, and waits until all see each other. `None` where the machine
    /// has no namespaces and the environment allows to go without.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(Vec::new())
    }

    /// As [`start`](Self::start), with these variables on all hosts.
    pub(crate) fn start_with(settings: Vec<(&'static str, String)>) -> Option<Self> {
        let mut hosts = Self::deserted(settings)?;
        for host in 0..HOSTS {
            hosts.start_node(host);
        }
        hosts.all_see_each_other();
        Some(hosts)
    }

    /// Hosts without nodes.
    pub(crate) fn deserted(settings: Vec<(&'static str, String)>) -> Option<Self> {
        // A test that failed has left nothing behind.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self {
            nodes: (0..HOSTS).map(|_| None).collect(),
            chronicle: Arc::default(),
            network: Network::new()?,
            settings,
            _turn: turn,
        })
    }

    /// Starts the node of a host; its seed is the first host.
    pub(crate) fn start_node(&mut self, host: usize) {
        let mut command = self.network.enter(host);
        command
            .arg(program())
            .env("NOEX_NAME", format!("node{host}"))
            .env("NOEX_LISTEN", address(host))
            .env("NOEX_PORT", PORT.to_string())
            .env("NOEX_SEEDS", format!("{}:{PORT}", address(0)))
            .env("NOEX_SECRET", "a secret for tests only")
            .env("NOEX_JOIN_TIMEOUT", "500ms")
            .env("NOEX_RECONNECT_MAX_DELAY", "1s")
            .env(
                "NOEX_HEARTBEAT_INTERVAL",
                format!("{}ms", INTERVAL.as_millis()),
            )
            .env("NOEX_MISS_THRESHOLD", THRESHOLD.to_string())
            .env("RUST_LOG", "warn")
            .envs(self.settings.clone())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the node's program starts");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        self.chronicle.begin(host);
        let chronicle = Arc::clone(&self.chronicle);
        let is_running = Arc::new(AtomicBool::new(false));
        let runs = Arc::clone(&is_running);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                runs.fetch_or(line.starts_with("ready "), Ordering::Relaxed);
                if let Some((of, what)) = read(&line) {
                    let (at, teller) = (Instant::now(), host);
                    chronicle.add(Entry {
                        at,
                        teller,
                        of,
                        what,
                    });
                }
            }
        });
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                eprintln!("{host}: {line}");
            }
        });
        self.nodes[host] = Some(NodeProcess {
            child,
            is_running,
            _input: input,
        });
    }

    /// Waits until this node runs, with others or alone.
    pub(crate) fn runs(&self, host: usize) {
        let node = self.nodes[host].as_ref().expect("it was started");
        let is_running = || node.is_running.load(Ordering::Relaxed);
        eventually(&format!("the node of host {host} runs"), is_running);
    }

    /// Waits until each node sees all the others.
    pub(crate) fn all_see_each_other(&self) {
        self.all_see(&[(0..HOSTS).collect()]);
    }

    /// Waits until each node sees the others of its group, and nobody else.
    pub(crate) fn all_see(&self, groups: &[Vec<usize>]) {
        self.chronicle
            .wait_until(&format!("all see {groups:?}"), |entries| {
                groups.iter().flatten().all(|host| {
                    let group = groups.iter().find(|group| group.contains(host));
                    let group = group.expect("it was found there").iter();
                    let others = group.copied().filter(|other| other != host);
                    view(entries, *host) == others.collect()
                })
            });
    }

    /// Waits until all of these hold that host for down.
    pub(crate) fn all_miss(&self, tellers: &[usize], gone: usize) {
        self.chronicle
            .wait_until(&format!("{tellers:?} miss {gone}"), |entries| {
                let misses = |teller: &usize| {
                    let mut of_it = entries.iter().rev();
                    let last = of_it.find(|entry| (entry.teller, entry.of) == (*teller, gone));
                    last.is_some_and(|entry| entry.what != "up")
                };
                tellers.iter().all(misses)
            });
    }

    /// Takes all faults away, and demands that all see each other again in time, although some may
    /// have been about to tell of a down.
    pub(crate) fn heal_and_settle(&self) {
        let healed = self.network.on_the_bridge(&[]);
        loop {
            self.all_see_each_other();
            let took = healed.elapsed();
            assert!(took < SPLIT_BOUND + HEAL_BOUND, "healed after {took:?}");
            if self.chronicle.told_within(DETECTION).is_empty() {
                return;
            }
        }
    }

    /// Takes all faults away, and demands that all see each other again in time.
    pub(crate) fn heal(&self) {
        for host in 0..HOSTS {
            self.network.on_arrival(host, &[]);
        }
        let healed = self.network.on_the_bridge(&[]);
        self.all_see_each_other();
        let took = healed.elapsed();
        assert!(took < HEAL_BOUND, "healed after {took:?}");
    }

    /// What `teller` told of `of` since then.
    pub(crate) fn told(&self, teller: usize, of: usize, since: Instant) -> Vec<String> {
        let entries = self.chronicle.since(since);
        let of_it = entries
            .iter()
            .filter(|entry| (entry.teller, entry.of) == (teller, of));
        of_it.map(|entry| entry.what.clone()).collect()
    }

    /// Demands that `tellers` told of the end of each of `gone`, so long after the instant, once
    /// and for this reason; and that they told nothing else since then.
    pub(crate) fn told_down(
        &self,
        tellers: &[usize],
        gone: &[usize],
        (since, window): (Instant, RangeInclusive<Duration>),
        reason: &str,
    ) {
        let entries = self.chronicle.since(since);
        let told = entries
            .iter()
            .filter(|entry| tellers.contains(&entry.teller));
        let mut expected: BTreeSet<(usize, usize)> = tellers
            .iter()
            .flat_map(|teller| gone.iter().map(|gone| (*teller, *gone)))
            .collect();
        for entry in told {
            assert_eq!(entry.what, reason, "{entry:?}");
            assert!(
                expected.remove(&(entry.teller, entry.of)),
                "{entry:?} in {entries:?}"
            );
            let took = entry.at - since;
            assert!(window.contains(&took), "{entry:?} after {took:?}");
        }
        assert!(expected.is_empty(), "not told: {expected:?}");
    }
}

impl NodeProcess {
    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks again and again until it is so: for what must come true soon, of which nothing tells.
///
/// # Panics
/// If it never is.
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whom that node sees, after all that it told.
fn view(entries: &[Entry], teller: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    for entry in entries.iter().filter(|entry| entry.teller == teller) {
        match &*entry.what {
            "up" => assert!(seen.insert(entry.of), "a second up: {entry:?}"),
            _ => assert!(seen.remove(&entry.of), "a second down: {entry:?}"),
        }
    }
    seen
}

/// What a line tells, and of which host.
fn read(line: &str) -> Option<(usize, String)> {
    let mut words = line.split(' ');
    let what = words.next()?;
    let name = words.next()?.split('@').next()?;
    let host = name.strip_prefix("node")?.parse().ok()?;
    match what {
        "up" => Some((host, what.to_owned())),
        "down" => Some((host, words.next()?.to_owned())),
        _ => None,
    }
}

/// The program of a node. `cargo test` builds it first.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().expect("this test runs from a file");
    path.pop();
    path.pop();
    path.push("examples");
    path.push("test_node");
    assert!(path.exists(), "run `cargo build --example test_node` first");
    path
}
