//! Nodes that hold a session with two of the others each, and open others on first use.

use std::cell::Cell;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{CallError, ClusterEvent, Events, NodeDownReason, Pid};
use rustix::process::Signal;

use crate::mesh::{ask, ask_to_ask, known, whereis};
use crate::probe::{GroupCall, Probe, ProbeCall, ProbeCast};
use crate::support::{INTERVAL, NodeProcess, Plan, config, down, eventually};

/// What must not wait for any time-out takes less.
const AT_ONCE: Duration = Duration::from_millis(500);

/// How many sessions a node keeps where one other watches each: with that one, and with the one
/// that it watches.
pub(crate) const KEPT: usize = 2;

/// How long a session that broke when it was young waits for the next one.
const REDIAL_DELAY: Duration = Duration::from_millis(200);

/// A way to a node that can be shut, with all that goes through it.
struct Door {
    address: SocketAddr,
    is_shut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Door {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = Self {
            address: listener.local_addr().unwrap(),
            is_shut: Arc::default(),
            streams: Arc::default(),
        };
        let (is_shut, streams) = (Arc::clone(&door.is_shut), Arc::clone(&door.streams));
        // It waits for connections until the test's process ends.
        std::thread::spawn(move || {
            for outside in listener.incoming().map_while(Result::ok) {
                let mut streams = streams.lock().unwrap();
                if is_shut.load(Ordering::SeqCst) {
                    continue;
                }
                let inside = TcpStream::connect(server).unwrap();
                for (from, to) in [(&outside, &inside), (&inside, &outside)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || carry(from, to));
                }
                streams.extend([outside, inside]);
            }
        });
        door
    }

    fn shut(&self) {
        let streams = self.streams.lock().unwrap();
        self.is_shut.store(true, Ordering::SeqCst);
        for stream in &*streams {
            // It may have ended by itself.
            let _ended = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let _broken = std::io::copy(&mut from, &mut to);
    let _ended = to.shutdown(Shutdown::Write);
}

/// The test's own node, with `probe-t`, and five in processes, which joined it through a door.
pub(crate) struct Sparse {
    pub(crate) node: Node,
    events: Events,
    pub(crate) others: Vec<NodeProcess>,
    door: Door,
}

impl Sparse {
    /// All know each other and the names of all, and all are joined with the test's own node.
    async fn through_a_door(interval: Duration) -> Self {
        let sparse = Self::start(interval, Duration::from_mins(5)).await;
        eventually("all are joined with the test's node", async || {
            sparse.sessions() == sparse.others.len()
        })
        .await;
        sparse
    }

    /// As above, but sessions that nobody uses are closed after `idle`.
    pub(crate) async fn start(interval: Duration, idle: Duration) -> Self {
        let config = config("t").observers(1).heartbeat_interval(interval);
        let node = Node::start(config.session_idle_timeout(idle))
            .await
            .unwrap();
        let probe = Probe::start(()).name(Global("probe-t"));
        let probe = probe.name(Group("probes")).on(node.local());
        probe.await.unwrap();
        let events = node.cluster().subscribe();
        let door = Door::to(format!("127.0.0.1:{}", node.id().port()).parse().unwrap());
        let plans = ["b", "c", "d", "e", "f"].map(|name| {
            let plan = Plan::new(name).interval(interval).seed(&door.address);
            let plan = plan.log("info");
            plan.variable("NOEX_OBSERVERS", &1).variable(
                "NOEX_SESSION_IDLE_TIMEOUT",
                &format!("{}ms", idle.as_millis()),
            )
        });
        let others: Vec<NodeProcess> = plans.into_iter().map(Plan::start).collect();
        let sparse = Self {
            node,
            events,
            others,
            door,
        };
        for other in &sparse.others {
            known(&sparse.node, &other.probe()).await;
        }
        sparse.know_each_other().await;
        sparse
    }

    /// Waits until each node knows the names of all.
    async fn know_each_other(&self) {
        let _inside = self.node.enter();
        for asked in &self.others {
            for other in &self.others {
                let what = format!("{} knows {}", asked.id, other.probe());
                let there = async || whereis(&asked.probe(), &other.probe()).await.is_some();
                eventually(&what, there).await;
            }
        }
    }

    /// As above, but each node has the sessions alone that it keeps.
    async fn with_kept_sessions(interval: Duration) -> Self {
        let sparse = Self::through_a_door(interval).await;
        sparse.shut_door().await;
        sparse
    }

    /// Shuts the door, and waits until the sessions that are kept are there, and no others.
    async fn shut_door(&self) {
        self.door.shut();
        let kept = || self.sessions() == KEPT;
        self.settled(kept).await;
    }

    /// Waits until this has been so, and nothing was dialled, for so long that no session is about
    /// to be lost or dialled.
    async fn settled(&self, is_so: impl Fn() -> bool) {
        let since = Cell::new(Instant::now());
        eventually("nothing is about to change", async || {
            if !is_so() || self.node.cluster().stats().pending_dials != 0 {
                since.set(Instant::now());
            }
            since.get().elapsed() > REDIAL_DELAY * 2
        })
        .await;
    }

    pub(crate) fn sessions(&self) -> usize {
        self.node.cluster().stats().sessions
    }

    pub(crate) fn pids(&self) -> Vec<Pid> {
        let registry = self.node.registry();
        let pids = self
            .others
            .iter()
            .map(|other| registry.whereis(&other.probe()));
        pids.map(|pid| pid.expect("it is known")).collect()
    }

    /// Nobody has come or gone since it was asked last.
    async fn nobody_came_or_went(&mut self) -> bool {
        let mut is_quiet = true;
        while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, self.events.next()).await {
            is_quiet &= matches!(event, Ok(ClusterEvent::StatusChanged(_)));
        }
        is_quiet
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_crosses_a_session_that_breaks_is_lost_at_once_and_the_next_signal_opens_another() {
    let mut sparse = Sparse::through_a_door(INTERVAL).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    let pids = sparse.pids();
    let mut lost = Vec::new();
    for pid in &pids {
        let call = Probe::call(*pid, ProbeCall::Never).timeout(Duration::from_secs(60));
        let end = node.local().ended(*pid);
        lost.push(noex::spawn(async move { tokio::join!(call, end) }));
    }
    for other in &sparse.others {
        let asked = async || ask(&other.probe(), ProbeCall::OpenCalls).await.1 == 2;
        eventually(
            "the call that gets no answer is there, and the question",
            asked,
        )
        .await;
    }
    while tokio::time::timeout(Duration::ZERO, sparse.events.next())
        .await
        .is_ok()
    {}

    let shut = Instant::now();
    sparse.door.shut();
    for lost in lost {
        let error = CallError::NoConnection { sent: true };
        let expected = (Err(error), ExitReason::NoConnection);
        assert_eq!(lost.await.unwrap(), expected);
    }
    let took = shut.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
    sparse.shut_door().await;

    for pid in pids {
        let (_, same) = Probe::call(pid, ProbeCall::Where).await.unwrap();
        assert_eq!(same, pid);
    }
    assert_eq!(sparse.sessions(), sparse.others.len());
    assert!(sparse.nobody_came_or_went().await);
    assert_eq!(node.local().pending_calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_groups_of_all_are_known_over_a_few_sessions_and_calls_open_the_others() {
    let mut sparse = Sparse::with_kept_sessions(INTERVAL).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    assert_eq!(node.cluster().connected_nodes().len(), sparse.others.len());
    let late = Probe::start(()).name(Global("late")).name(Group("lates"));
    let late = late.await.unwrap().pid();
    let mut probes: Vec<String> = sparse.others.iter().map(NodeProcess::probe).collect();
    for probe in &probes {
        let asked = Instant::now();
        // What is sent without a session arrives in order, once there is one.
        let pid = node.registry().whereis(probe).unwrap();
        for number in 0..1_000 {
            Probe::cast(pid, ProbeCast::Note(number)).unwrap();
        }
        let casts = ask(probe, ProbeCall::Casts).await;
        assert!(casts.into_iter().eq(0..1_000), "{probe}");
        let took = asked.elapsed();
        assert!(took < AT_ONCE, "{probe}: {took:?}");
        eventually(
            "the name that was registered meanwhile is there",
            async || whereis(probe, "late").await == Some(late),
        )
        .await;
        let members = |reply| GroupCall::Members("lates".to_owned(), reply);
        assert_eq!(
            ask(probe, |reply| ProbeCall::Group(members(reply))).await,
            [late]
        );
        let watch = |reply| ProbeCall::Watch(late, reply);
        ask(probe, watch).await;
    }
    assert_eq!(sparse.sessions(), sparse.others.len());

    probes.push("probe-t".to_owned());
    for asked in &probes {
        for other in probes.iter().filter(|other| *other != asked) {
            let (id, _) = ask_to_ask(asked, other).await.unwrap();
            assert_eq!(format!("probe-{}", id.name()), *other);
        }
    }
    // Who watches a process on a node without a session is told of its end.
    Probe::stop(late).await.unwrap();
    for probe in &probes[..sparse.others.len()] {
        eventually("its watcher is told", async || {
            ask(probe, ProbeCall::Casts).await.last() == Some(&u64::MAX)
        })
        .await;
        eventually("its name is gone", async || {
            whereis(probe, "late").await.is_none()
        })
        .await;
    }
    let members = Group("probes").members();
    assert_eq!(members.len(), probes.len());
    sparse.events = node.cluster().subscribe();
    assert!(sparse.nobody_came_or_went().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_passes_over_nodes_without_sessions_and_its_handle_s_holder_is_minded() {
    let sparse = Sparse::with_kept_sessions(INTERVAL).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    let probes: Vec<String> = sparse.others.iter().map(NodeProcess::probe).collect();
    for (asked, other) in probes.iter().zip(probes.iter().cycle().skip(1)) {
        let pass = |reply| ProbeCall::PassTo(other.clone(), reply);
        let answered_by = ask(asked, pass).await;
        assert_eq!(node.registry().whereis(other), Some(answered_by));
    }
    let mut others = sparse.others;
    let mut killed = others.pop().unwrap();
    let borrower = killed.probe();
    let lend = |reply| ProbeCall::LendTo(borrower, reply);
    let lent = Probe::call(Global(others[0].probe()), lend).timeout(Duration::from_secs(60));
    let lent = noex::spawn(lent);
    eventually(
        "the handle is there, and that of the question",
        async || ask(&killed.probe(), ProbeCall::OpenCalls).await.1 == 2,
    )
    .await;
    let at = Instant::now();
    killed.kill();
    let lost = CallError::NoConnection { sent: true };
    assert_eq!(lent.await.unwrap(), Err(lost));
    let took = at.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_session_that_can_t_be_had_fails_and_the_node_stays_up() {
    let interval = Duration::from_secs(5);
    let mut sparse = Sparse::with_kept_sessions(interval).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    let pids = sparse.pids();
    assert!(!sparse.nobody_came_or_went().await, "all have come");
    for other in &sparse.others {
        other.signal(Signal::STOP);
    }
    // Longer than a dial waits for an answer, shorter than it takes to suspect a node.
    let timeout = Duration::from_secs(8);
    let mut waiting = Vec::new();
    for pid in &pids {
        let call = Probe::call(*pid, ProbeCall::Where).timeout(timeout);
        let end = tokio::time::timeout(timeout, node.local().ended(*pid));
        waiting.push(noex::spawn(async move { tokio::join!(call, end) }));
    }
    let mut failed = 0;
    for waiting in waiting {
        match waiting.await.unwrap() {
            (Err(CallError::NoConnection { sent: false }), Ok(ExitReason::NoConnection)) => {
                failed += 1;
            }
            // Over a session that was there.
            (Err(CallError::Timeout), Err(_elapsed)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(failed, pids.len() - KEPT);
    for other in &sparse.others {
        other.signal(Signal::CONT);
    }
    for pid in pids {
        let (_, same) = Probe::call(pid, ProbeCall::Where).await.unwrap();
        assert_eq!(same, pid);
    }
    assert!(sparse.nobody_came_or_went().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_sent_before_it_leaves_arrives_also_without_a_session() {
    let sparse = Sparse::with_kept_sessions(INTERVAL).await;
    let witness = config("w")
        .observers(1)
        .seed(sparse.others[0].id.to_string());
    let witness = Node::start(witness).await.unwrap();
    for other in &sparse.others {
        known(&witness, &other.probe()).await;
    }
    let inside = sparse.node.enter();
    for pid in sparse.pids() {
        Probe::cast(pid, ProbeCast::Note(7)).unwrap();
    }
    drop(inside);
    sparse.node.stop().await;
    let _inside = witness.enter();
    for other in &sparse.others {
        assert_eq!(ask(&other.probe(), ProbeCall::Casts).await, [7]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ends_is_down_on_all_others_with_a_session_and_without() {
    let mut sparse = Sparse::with_kept_sessions(INTERVAL).await;
    let node = sparse.node.clone();
    let _inside = node.enter();
    let pids = sparse.pids();
    let mut others = std::mem::take(&mut sparse.others);
    // One that this node has no session with yet, or a kept one: the third then is another.
    for (at, end) in [(4, End::Kill), (3, End::Leave), (2, End::Kill)] {
        let mut ended = others.remove(at);
        let expected = match end {
            End::Kill => NodeDownReason::ConnectionClosed,
            End::Leave => NodeDownReason::GracefulShutdown,
        };
        let watched = (at != 4).then(|| node.local().ended(pids[at]));
        if watched.is_some() {
            Probe::call(pids[at], ProbeCall::Where).await.unwrap();
        }
        let since = Instant::now();
        match end {
            End::Kill => ended.kill(),
            End::Leave => assert!(ended.leave()),
        }
        assert_eq!(down(&mut sparse.events, &ended.id).await, expected);
        for other in &others {
            assert_eq!(other.wait_down(&ended.id), expected.to_string());
        }
        let took = since.elapsed();
        assert!(took < Duration::from_secs(1), "{at}: {took:?}");
        if let Some(watched) = watched {
            let reason = watched.await;
            assert!(matches!(
                reason,
                ExitReason::NoConnection | ExitReason::Shutdown
            ));
        }
        let error = Probe::call(pids[at], ProbeCall::Where).await.unwrap_err();
        assert_eq!(error, CallError::NoConnection { sent: false });
        eventually("its name is gone here", async || {
            node.registry().whereis(&ended.probe()).is_none()
        })
        .await;
        for other in &others {
            eventually("its name is gone there", async || {
                whereis(&other.probe(), &ended.probe()).await.is_none()
            })
            .await;
        }
        // Where one node watches each, two that end at once cut the ring.
        sparse.settled(|| true).await;
    }
}

/// How a node ends.
#[derive(Clone, Copy)]
enum End {
    Kill,
    Leave,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_nodes_of_which_eight_watch_each_know_and_reach_each_other() {
    let mut nodes: Vec<Node> = Vec::new();
    for number in 0..12 {
        let seed = nodes.last().map(|node| node.id().to_string());
        let config = config(&format!("n{number}")).seeds(seed);
        let node = Node::start(config).await.unwrap();
        let probe = Probe::start(()).name(Global(format!("probe-n{number}")));
        probe.on(node.local()).await.unwrap();
        nodes.push(node);
    }
    for node in &nodes {
        eventually("it holds all others for up", async || {
            node.cluster().connected_nodes().len() == nodes.len() - 1
        })
        .await;
        for number in 0..12 {
            known(node, &format!("probe-n{number}")).await;
        }
    }
    for node in &nodes {
        let _inside = node.enter();
        for other in &nodes {
            let name = format!("probe-{}", other.id().name());
            let (id, _) = ask(&name, ProbeCall::Where).await;
            assert_eq!(id, *other.id());
        }
        assert_eq!(node.cluster().stats().sessions, nodes.len() - 1);
    }
    let left = nodes.remove(5);
    let mut events: Vec<Events> = nodes
        .iter()
        .map(|node| node.cluster().subscribe())
        .collect();
    left.stop().await;
    for (node, events) in nodes.iter().zip(&mut events) {
        let reason = down(events, left.id()).await;
        assert_eq!(reason, NodeDownReason::GracefulShutdown);
        eventually("its name is gone", async || {
            node.registry().whereis("probe-n5").is_none()
        })
        .await;
    }
    for node in nodes {
        node.stop().await;
    }
}
