//! Pure: on which node each child starts, and what becomes of it when it or its node is lost.
//!
//! A lost node is not the child's fault and does not count against the intensity. Nor does an end
//! with [`ExitReason::Shutdown`] that nobody here asked for: its node is on its way out.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use noex_core::{ExitReason, Peer, Pid};
use noex_gen_server::StartError;

use super::child::{Child, Life, RemoteChildInfo, Rules};
use super::rotation::Rotation;
use crate::intensity::Intensity;
use crate::{Restart, Shutdown};

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    /// The supervisor begins, with the nodes that are up.
    Begin(Vec<Peer>),
    /// A node that may run children is up.
    NodeUp(Peer),
    /// It is down.
    NodeDown(Peer),
    /// A start has succeeded.
    ChildStarted { attempt: u64, pid: Pid },
    /// A start has failed.
    StartFailed { attempt: u64, error: StartError },
    /// A process that is linked or watched ended, or its node was lost.
    ChildExited { pid: Pid, reason: ExitReason },
    /// The supervisor ends.
    Shutdown,
    /// The stop that was put out is done.
    Stopped,
}

/// What the supervisor must do next.
#[derive(Debug, PartialEq)]
pub(super) enum Output {
    /// Ask the node for a start of the child in this place.
    Start {
        child: usize,
        attempt: u64,
        node: Peer,
        replaces: Option<Pid>,
    },
    /// Ask to be told when the process ends.
    Watch(Pid),
    /// End a process that nobody waits for any more.
    Kill(Pid),
    /// End a child. Nothing else comes before its end is put in.
    Stop { pid: Pid, shutdown: Shutdown },
    /// Restarts came too often: the supervisor must end.
    GiveUp(ExitReason),
}

/// ```text
///   Keeping ──too often──► GivenUp ──Shutdown──► Stopping
///      └────────────────Shutdown────────────────────▲
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Keeping,
    GivenUp,
    Stopping,
}

#[derive(Debug)]
pub(super) struct Machine {
    phase: Phase,
    children: Vec<Child>,
    rotation: Rotation,
    intensity: Intensity,
    start_timeout: Duration,
    attempts: u64,
    /// Why processes ended that may turn out to be children: a short life can be over before the
    /// node's answer is here. Empty while nothing is being started.
    early_exits: BTreeMap<Pid, ExitReason>,
    outputs: VecDeque<Output>,
    stops: VecDeque<Output>,
    is_stop_in_flight: bool,
}

impl Machine {
    /// Children wait until a node is up.
    pub(super) fn new(
        children: impl IntoIterator<Item = Rules>,
        intensity: Intensity,
        start_timeout: Duration,
    ) -> Self {
        Self {
            phase: Phase::Keeping,
            children: children.into_iter().map(Child::new).collect(),
            rotation: Rotation::default(),
            intensity,
            start_timeout,
            attempts: 0,
            early_exits: BTreeMap::new(),
            outputs: VecDeque::new(),
            stops: VecDeque::new(),
            is_stop_in_flight: false,
        }
    }

    pub(super) fn handle_input(&mut self, input: Input, now: Instant) {
        match (self.phase, input) {
            (_, Input::Shutdown) => self.shut_down(),
            (_, Input::Stopped) => self.is_stop_in_flight = false,
            (Phase::Keeping, Input::Begin(peers)) => self.begin(peers, now),
            (Phase::Keeping, Input::NodeUp(peer)) => self.node_up(peer, now),
            (Phase::Keeping, Input::NodeDown(peer)) => self.node_down(&peer, now),
            (Phase::Keeping, Input::ChildStarted { attempt, pid }) => {
                self.child_started(attempt, pid, now);
            }
            (Phase::Keeping, Input::StartFailed { attempt, error }) => {
                self.start_failed(attempt, &error, now);
            }
            (Phase::Keeping, Input::ChildExited { pid, reason }) => {
                self.child_exited(pid, &reason, now);
            }
            (Phase::GivenUp | Phase::Stopping, Input::ChildStarted { pid, .. }) => {
                self.outputs.push_back(Output::Kill(pid));
            }
            (
                Phase::GivenUp | Phase::Stopping,
                Input::Begin(_)
                | Input::NodeUp(_)
                | Input::NodeDown(_)
                | Input::StartFailed { .. }
                | Input::ChildExited { .. },
            ) => {}
        }
    }

    /// Gives up starts that take too long, and tries children that have waited long enough.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.phase != Phase::Keeping {
            return;
        }
        for place in 0..self.children.len() {
            if self.children[place].due().is_some_and(|due| due <= now) {
                match self.children[place].life.clone() {
                    Life::Starting { node, .. } => self.node_failed(place, node, now),
                    _waiting => self.place(place, now),
                }
            }
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if self.is_stop_in_flight {
            return None;
        }
        let stop = self.stops.pop_front()?;
        self.is_stop_in_flight = true;
        Some(stop)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let keeping = self.phase == Phase::Keeping;
        let due = self.children.iter().filter_map(Child::due).min();
        due.filter(|_| keeping)
    }

    pub(super) fn infos(&self) -> Vec<RemoteChildInfo> {
        self.children.iter().map(Child::info).collect()
    }

    fn begin(&mut self, peers: Vec<Peer>, now: Instant) {
        peers.into_iter().for_each(|peer| self.rotation.up(peer));
        self.place_waiting(now);
    }

    fn node_up(&mut self, peer: Peer, now: Instant) {
        self.rotation.up(peer);
        self.place_waiting(now);
    }

    fn place_waiting(&mut self, now: Instant) {
        for place in 0..self.children.len() {
            if matches!(self.children[place].life, Life::Waiting(_)) {
                self.children[place].tried.clear();
                self.place(place, now);
            }
        }
    }

    fn node_down(&mut self, peer: &Peer, now: Instant) {
        self.rotation.down(peer);
        for place in 0..self.children.len() {
            match self.children[place].life.clone() {
                Life::Starting { node, .. } if node == *peer => self.node_failed(place, node, now),
                Life::Running { node, .. } if node == *peer => self.child_lost(place, now),
                Life::Waiting(_)
                | Life::Starting { .. }
                | Life::Running { .. }
                | Life::Standby { .. }
                | Life::Ended => {}
            }
        }
    }

    /// A start that nobody waits for any more has started a child too many.
    fn child_started(&mut self, attempt: u64, pid: Pid, now: Instant) {
        let Some((place, node)) = self.starting(attempt) else {
            return self.outputs.push_back(Output::Kill(pid));
        };
        self.children[place].run(pid, node);
        match self.early_exits.remove(&pid) {
            Some(reason) => self.child_exited(pid, &reason, now),
            None => self.outputs.push_back(Output::Watch(pid)),
        }
        self.forget_early_exits();
    }

    fn start_failed(&mut self, attempt: u64, error: &StartError, now: Instant) {
        let Some((place, node)) = self.starting(attempt) else {
            return;
        };
        match error {
            StartError::AlreadyStarted(holder) => {
                let holder = *holder;
                self.children[place].life = Life::Standby { holder };
                self.outputs.push_back(Output::Watch(holder));
            }
            StartError::Init(ExitReason::NameConflict) => self.children[place].back_off(now),
            // That node does not reach us, so that the link failed, or has no registry yet.
            StartError::Init(ExitReason::NoConnection | ExitReason::NoProcess) => {
                self.node_failed(place, node, now);
            }
            StartError::Init(_) | StartError::InvalidName => self.child_failed(place, now),
            _the_node => self.node_failed(place, node, now),
        }
        self.forget_early_exits();
    }

    fn child_exited(&mut self, pid: Pid, reason: &ExitReason, now: Instant) {
        let is_it = |child: &Child| match &child.life {
            Life::Running { pid: running, .. } => *running == pid,
            Life::Standby { holder } => *holder == pid,
            Life::Waiting(_) | Life::Starting { .. } | Life::Ended => false,
        };
        let Some(place) = self.children.iter().position(is_it) else {
            if self.is_starting() {
                self.early_exits.insert(pid, reason.clone());
            }
            return;
        };
        let Life::Running { node, .. } = self.children[place].life.clone() else {
            // The name is about to be free.
            return self.children[place].back_off(now);
        };
        let restart = self.children[place].rules.restart;
        match reason {
            ExitReason::NoConnection => self.child_lost(place, now),
            _ if restart == Restart::Temporary => self.children[place].life = Life::Ended,
            ExitReason::Shutdown => self.node_failed(place, node, now),
            ExitReason::NameConflict => self.children[place].back_off(now),
            reason if restart.applies_to(reason) => self.child_failed(place, now),
            _in_order => self.children[place].life = Life::Ended,
        }
    }

    fn child_lost(&mut self, place: usize, now: Instant) {
        if self.children[place].rules.restart == Restart::Temporary {
            self.children[place].life = Life::Ended;
        } else {
            self.place(place, now);
        }
    }

    fn child_failed(&mut self, place: usize, now: Instant) {
        if self.children[place].rules.restart == Restart::Temporary {
            self.children[place].life = Life::Ended;
        } else if self.intensity.admit(now) {
            self.place(place, now);
        } else {
            let id = &self.children[place].rules.id;
            let text = format!("restarts of child `{id}` and others came too often");
            let reason = ExitReason::ShutdownWith(text.into());
            self.phase = Phase::GivenUp;
            self.outputs.push_back(Output::GiveUp(reason));
        }
    }

    fn node_failed(&mut self, place: usize, node: Peer, now: Instant) {
        self.children[place].tried.insert(node.id);
        self.place(place, now);
    }

    /// Starts a child on the next node, if there is one that has not failed yet.
    fn place(&mut self, place: usize, now: Instant) {
        let child = &mut self.children[place];
        match self.rotation.next(&child.tried) {
            Some(node) => {
                self.attempts += 1;
                let attempt = self.attempts;
                child.life = Life::Starting {
                    attempt,
                    node: node.clone(),
                    deadline: now + self.start_timeout,
                };
                self.outputs.push_back(Output::Start {
                    child: place,
                    attempt,
                    node,
                    replaces: child.former,
                });
            }
            None if self.rotation.is_empty() => child.life = Life::Waiting(None),
            None => child.back_off(now),
        }
    }

    fn shut_down(&mut self) {
        if self.phase == Phase::Stopping {
            return;
        }
        self.phase = Phase::Stopping;
        for child in self.children.iter_mut().rev() {
            if let Life::Running { pid, .. } = child.life {
                let shutdown = child.rules.shutdown;
                self.stops.push_back(Output::Stop { pid, shutdown });
            }
            child.life = Life::Ended;
        }
    }

    fn forget_early_exits(&mut self) {
        if !self.is_starting() {
            self.early_exits.clear();
        }
    }

    fn is_starting(&self) -> bool {
        let mut lives = self.children.iter().map(|child| &child.life);
        lives.any(|life| matches!(life, Life::Starting { .. }))
    }

    /// The child that is being started by `attempt`, and where.
    fn starting(&self, attempt: u64) -> Option<(usize, Peer)> {
        let lives = self.children.iter().map(|child| &child.life).enumerate();
        lives.into_iter().find_map(|(place, life)| match life {
            Life::Starting {
                attempt: own, node, ..
            } if *own == attempt => Some((place, node.clone())),
            _other => None,
        })
    }
}
