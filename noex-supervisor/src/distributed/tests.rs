//! Tests of the machine: inputs in, outputs out.

use std::time::{Duration, Instant};

use noex_core::{CallError, Creation, ExitReason, Peer, Pid};
use noex_gen_server::StartError;

use super::child::{RemoteChildState, Rules};
use super::machine::{Input, Machine, Output};
use crate::intensity::Intensity;
use crate::{Restart, Shutdown};

const START_TIMEOUT: Duration = Duration::from_secs(10);

fn peer(number: u16) -> Peer {
    let id = format!("n{number}@127.0.0.1:{number}").parse().unwrap();
    Peer::new(id, Creation::from_bits(number.into()))
}

fn crash() -> ExitReason {
    ExitReason::error("broken")
}

/// A machine, and the clock that it is shown.
struct Rig {
    machine: Machine,
    now: Instant,
    serial: u64,
}

impl Rig {
    /// One child for each rule, named `0`, `1`, and so on.
    fn new(restarts: &[Restart], nodes: &[u16]) -> Self {
        let rules = restarts.iter().enumerate().map(|(place, restart)| Rules {
            id: place.to_string().into(),
            restart: *restart,
            shutdown: Shutdown::default(),
        });
        let mut rig = Self {
            machine: Machine::new(rules, Intensity::default(), START_TIMEOUT),
            now: tokio::time::Instant::now().into_std(),
            serial: 0,
        };
        let peers = nodes.iter().map(|node| peer(*node)).collect();
        rig.machine.handle_input(Input::Begin(peers), rig.now);
        rig
    }

    /// As [`new`](Self::new), with all children running.
    fn running(restarts: &[Restart], nodes: &[u16]) -> Self {
        let mut rig = Self::new(restarts, nodes);
        rig.start_all();
        rig
    }

    fn put(&mut self, input: Input) -> Vec<Output> {
        self.machine.handle_input(input, self.now);
        self.outputs()
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.machine.poll_output()).collect()
    }

    /// Lets all starts succeed; `(child, node)` of each.
    fn start_all(&mut self) -> Vec<(usize, u16)> {
        let mut started = Vec::new();
        for output in self.outputs() {
            if let Output::Start {
                child,
                attempt,
                node,
                ..
            } = output
            {
                self.serial += 1;
                let pid = Pid::new(node.creation, self.serial);
                let watch = self.put(Input::ChildStarted { attempt, pid });
                assert_eq!(watch, [Output::Watch(pid)]);
                started.push((child, node.id.port()));
            }
        }
        started
    }

    /// The only start that is asked for: attempt and node.
    fn start(&mut self) -> (u64, u16) {
        match self.outputs().as_slice() {
            [Output::Start { attempt, node, .. }] => (*attempt, node.id.port()),
            other => panic!("not one start: {other:?}"),
        }
    }

    fn fail(&mut self, attempt: u64, error: StartError) {
        self.machine
            .handle_input(Input::StartFailed { attempt, error }, self.now);
    }

    fn exit(&mut self, child: usize, reason: ExitReason) {
        let pid = self.machine.infos()[child].pid.expect("the child runs");
        self.machine
            .handle_input(Input::ChildExited { pid, reason }, self.now);
    }

    fn wait(&mut self) -> Duration {
        let at = self.machine.poll_timeout().expect("something is due");
        let waited = at.duration_since(self.now);
        self.now = at;
        self.machine.handle_timeout(at);
        waited
    }

    fn state(&self, child: usize) -> RemoteChildState {
        self.machine.infos()[child].state
    }
}

fn no_process() -> StartError {
    StartError::Node(CallError::NoProcess)
}

#[test]
fn children_are_spread_round_robin() {
    let mut rig = Rig::new(&[Restart::Permanent; 5], &[1, 2, 3]);
    assert_eq!(rig.start_all(), [(0, 1), (1, 2), (2, 3), (3, 1), (4, 2)]);
}

#[test]
fn a_lost_nodes_children_start_elsewhere_and_it_does_not_count() {
    let mut rig = Rig::running(&[Restart::Permanent; 9], &[1, 2, 3]);
    assert_eq!(rig.put(Input::NodeDown(peer(2))).len(), 3);
    let pids = rig.machine.infos();
    assert!(pids.iter().filter(|child| child.pid.is_some()).count() == 6);
    assert_eq!(rig.state(1), RemoteChildState::Starting);
    assert_ne!(rig.machine.infos()[1].node, Some(peer(2).id));
}

#[test]
fn a_child_whose_connection_is_lost_replaces_its_former_self() {
    let mut rig = Rig::running(&[Restart::Permanent], &[1, 2]);
    let former = rig.machine.infos()[0].pid;
    rig.exit(0, ExitReason::NoConnection);
    match rig.outputs().as_slice() {
        [Output::Start { replaces, node, .. }] => {
            assert_eq!((*replaces, node.id.port()), (former, 2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn crashes_restart_until_they_come_too_often() {
    let mut rig = Rig::running(&[Restart::Permanent], &[1]);
    for _ in 0..3 {
        rig.exit(0, crash());
        assert_eq!(rig.start_all(), [(0, 1)]);
    }
    rig.exit(0, crash());
    let given_up = rig.outputs();
    assert!(matches!(given_up.as_slice(), [Output::GiveUp(reason)] if reason.is_orderly()));
}

#[test]
fn each_rule_and_reason_has_its_outcome() {
    use RemoteChildState::{Ended, Starting, Waiting};
    use Restart::{Permanent, Temporary, Transient};
    let cases = [
        (Permanent, ExitReason::Normal, Starting),
        (Permanent, ExitReason::Shutdown, Starting),
        (Permanent, ExitReason::NoConnection, Starting),
        (Permanent, ExitReason::NameConflict, Waiting),
        (Permanent, crash(), Starting),
        (Transient, ExitReason::Normal, Ended),
        (Transient, ExitReason::Shutdown, Starting),
        (Transient, ExitReason::ShutdownWith("done".into()), Ended),
        (Transient, ExitReason::NoConnection, Starting),
        (Transient, ExitReason::NameConflict, Waiting),
        (Transient, crash(), Starting),
        (Temporary, ExitReason::Normal, Ended),
        (Temporary, ExitReason::Shutdown, Ended),
        (Temporary, ExitReason::NoConnection, Ended),
        (Temporary, ExitReason::NameConflict, Ended),
        (Temporary, crash(), Ended),
    ];
    for (restart, reason, state) in cases {
        let mut rig = Rig::running(&[restart], &[1, 2]);
        rig.exit(0, reason.clone());
        assert_eq!(rig.state(0), state, "{restart:?}, {reason}");
    }
}

#[test]
fn without_a_node_a_child_waits_for_one() {
    let mut rig = Rig::new(&[Restart::Permanent], &[]);
    assert_eq!(rig.outputs(), []);
    assert_eq!(rig.machine.poll_timeout(), None);
    rig.machine.handle_input(Input::NodeUp(peer(1)), rig.now);
    assert_eq!(rig.start_all(), [(0, 1)]);
}

#[test]
fn a_node_that_fails_is_passed_over_and_all_are_tried_again_later() {
    let mut rig = Rig::new(&[Restart::Permanent], &[1, 2]);
    for wait in [100, 200, 400] {
        let (attempt, first) = rig.start();
        rig.fail(attempt, no_process());
        let (attempt, second) = rig.start();
        assert_ne!(first, second);
        rig.fail(attempt, StartError::UnknownType("Worker".into()));
        assert_eq!(rig.state(0), RemoteChildState::Waiting);
        assert_eq!(rig.wait(), Duration::from_millis(wait));
    }
}

#[test]
fn a_start_that_takes_too_long_goes_on_elsewhere_and_its_late_child_is_killed() {
    let mut rig = Rig::new(&[Restart::Permanent], &[1, 2]);
    let (late, _) = rig.start();
    assert_eq!(rig.wait(), START_TIMEOUT);
    assert_eq!(rig.start_all(), [(0, 2)]);
    let pid = Pid::new(peer(1).creation, 99);
    let killed = rig.put(Input::ChildStarted { attempt: late, pid });
    assert_eq!(killed, [Output::Kill(pid)]);
    assert_eq!(rig.state(0), RemoteChildState::Running);
}

#[test]
fn a_node_that_goes_down_while_it_starts_a_child_is_passed_over() {
    let mut rig = Rig::new(&[Restart::Permanent], &[1, 2]);
    let (attempt, _) = rig.start();
    rig.machine.handle_input(Input::NodeDown(peer(1)), rig.now);
    assert_eq!(rig.start_all(), [(0, 2)]);
    rig.fail(attempt, no_process());
    assert_eq!(rig.state(0), RemoteChildState::Running);
}

#[test]
fn a_child_whose_name_is_held_stands_by_until_the_holder_ends() {
    let mut rig = Rig::new(&[Restart::Permanent], &[1]);
    let (attempt, _) = rig.start();
    let holder = Pid::new(peer(9).creation, 9);
    rig.fail(attempt, StartError::AlreadyStarted(holder));
    assert_eq!(rig.outputs(), [Output::Watch(holder)]);
    assert_eq!(rig.state(0), RemoteChildState::Standby);
    let reason = ExitReason::NoProcess;
    let ended = Input::ChildExited {
        pid: holder,
        reason,
    };
    assert_eq!(rig.put(ended), []);
    rig.wait();
    assert_eq!(rig.start_all(), [(0, 1)]);
}

#[test]
fn a_child_that_ends_before_its_start_is_told_ends_with_its_own_reason() {
    let mut rig = Rig::new(&[Restart::Transient], &[1]);
    let (attempt, _) = rig.start();
    let pid = Pid::new(peer(1).creation, 7);
    let reason = ExitReason::Normal;
    assert_eq!(rig.put(Input::ChildExited { pid, reason }), []);
    assert_eq!(rig.put(Input::ChildStarted { attempt, pid }), []);
    assert_eq!(rig.state(0), RemoteChildState::Ended);
}

#[test]
fn an_init_that_fails_counts_and_is_tried_again() {
    let mut rig = Rig::new(&[Restart::Permanent], &[1]);
    for _ in 0..3 {
        let (attempt, _) = rig.start();
        rig.fail(attempt, StartError::Init(crash()));
    }
    let (attempt, _) = rig.start();
    rig.fail(attempt, StartError::Init(crash()));
    assert!(matches!(rig.outputs().as_slice(), [Output::GiveUp(_)]));
}

#[test]
fn children_stop_one_after_the_other_in_reverse_order() {
    let mut rig = Rig::running(&[Restart::Permanent; 2], &[1, 2]);
    let pids: Vec<_> = rig.machine.infos().iter().map(|child| child.pid).collect();
    let stop = |place: usize| Output::Stop {
        pid: pids[place].unwrap(),
        shutdown: Shutdown::default(),
    };
    assert_eq!(rig.put(Input::Shutdown), [stop(1)]);
    assert_eq!(rig.put(Input::Stopped), [stop(0)]);
    assert_eq!(rig.put(Input::Stopped), []);
    assert_eq!(rig.machine.poll_timeout(), None);
}

#[test]
fn what_happens_after_the_end_starts_nothing() {
    let mut rig = Rig::new(&[Restart::Permanent], &[1]);
    let (attempt, _) = rig.start();
    rig.put(Input::Shutdown);
    let pid = Pid::new(peer(1).creation, 1);
    let error = no_process();
    let reason = crash();
    for input in [
        Input::Begin(vec![peer(2)]),
        Input::NodeUp(peer(2)),
        Input::NodeDown(peer(1)),
        Input::StartFailed { attempt, error },
        Input::ChildExited { pid, reason },
        Input::Shutdown,
    ] {
        assert_eq!(rig.put(input), []);
    }
    let late = rig.put(Input::ChildStarted { attempt, pid });
    assert_eq!(late, [Output::Kill(pid)]);
}
