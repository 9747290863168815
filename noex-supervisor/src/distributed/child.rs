//! Pure: one child of a distributed supervisor, and where it stands.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{NodeId, Peer, Pid};
use serde::{Deserialize, Serialize};

use crate::{Restart, Shutdown};

/// How long to wait after the first round in which no node could start a child; doubled with each
/// further one.
const BACKOFF_MIN: Duration = Duration::from_millis(100);

/// After how many rounds the wait does not grow any more: 6.4 s.
const BACKOFF_DOUBLINGS_MAX: u32 = 6;

/// What a distributed supervisor tells of a child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RemoteChildInfo {
    /// Its name within the supervisor.
    pub id: Arc<str>,
    /// Its process, if it runs.
    pub pid: Option<Pid>,
    /// The node on which it runs or is being started.
    pub node: Option<NodeId>,
    /// Where it stands.
    pub state: RemoteChildState,
    /// When it is started again.
    pub restart: Restart,
}

/// Where a child stands, as others are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RemoteChildState {
    /// No node can run it now, or it waits to be tried again.
    Waiting,
    /// A node was asked to start it.
    Starting,
    /// It runs.
    Running,
    /// Another process holds its cluster-wide name; it is started when that one ends.
    Standby,
    /// It ended and is not to be started again.
    Ended,
}

/// Where a child stands.
///
/// ```text
///              a node's turn                 started
///   Waiting ─────────────────►  Starting  ─────────────►  Running ──► Ended
///    ▲   ▲                       │  │  ▲                     │   for good
///    │   └── no node, all failed ┘  │  └─────────────────────┘
///    │                              │ name held     crash, or node lost
///    └──────────── Standby ◄────────┘
///     holder ended
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    /// Until then, or, without a time, until a node comes up.
    Waiting(Option<Instant>),
    Starting {
        attempt: u64,
        node: Peer,
        deadline: Instant,
    },
    Running {
        pid: Pid,
        node: Peer,
    },
    Standby {
        holder: Pid,
    },
    Ended,
}

/// What the machine needs to know of a child's specification.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) id: Arc<str>,
    pub(super) restart: Restart,
    pub(super) shutdown: Shutdown,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) rules: Rules,
    pub(super) life: Life,
    /// The process that it was before.
    pub(super) former: Option<Pid>,
    /// The nodes that failed to start it since it ran.
    pub(super) tried: BTreeSet<NodeId>,
    /// The rounds that failed since it ran.
    rounds_failed: u32,
}

impl Child {
    pub(super) const fn new(rules: Rules) -> Self {
        Self {
            rules,
            life: Life::Waiting(None),
            former: None,
            tried: BTreeSet::new(),
            rounds_failed: 0,
        }
    }

    pub(super) fn run(&mut self, pid: Pid, node: Peer) {
        self.life = Life::Running { pid, node };
        self.former = Some(pid);
        self.tried.clear();
        self.rounds_failed = 0;
    }

    /// Waits longer each time that it has not run meanwhile.
    pub(super) fn back_off(&mut self, now: Instant) {
        let doublings = self.rounds_failed.min(BACKOFF_DOUBLINGS_MAX);
        self.rounds_failed = self.rounds_failed.saturating_add(1);
        self.tried.clear();
        self.life = Life::Waiting(Some(now + BACKOFF_MIN * 2_u32.pow(doublings)));
    }

    /// When something must be done about it.
    pub(super) const fn due(&self) -> Option<Instant> {
        match self.life {
            Life::Waiting(until) => until,
            Life::Starting { deadline, .. } => Some(deadline),
            Life::Running { .. } | Life::Standby { .. } | Life::Ended => None,
        }
    }

    pub(super) fn info(&self) -> RemoteChildInfo {
        let (state, pid, node) = match &self.life {
            Life::Waiting(_) => (RemoteChildState::Waiting, None, None),
            Life::Starting { node, .. } => (RemoteChildState::Starting, None, Some(node)),
            Life::Running { pid, node } => (RemoteChildState::Running, Some(*pid), Some(node)),
            Life::Standby { .. } => (RemoteChildState::Standby, None, None),
            Life::Ended => (RemoteChildState::Ended, None, None),
        };
        RemoteChildInfo {
            id: Arc::clone(&self.rules.id),
            pid,
            node: node.map(|node| node.id.clone()),
            state,
            restart: self.rules.restart,
        }
    }
}
