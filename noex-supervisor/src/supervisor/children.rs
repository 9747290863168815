//! Pure: the children of a supervisor, in the order in which they were added.

use std::collections::BTreeMap;
use std::sync::Arc;

use noex_core::Pid;
use serde::{Deserialize, Serialize};

use super::child_spec::{ChildId, ChildKind, ChildSpec};
use crate::Restart;

/// Where a child stands.
///
/// ```text
///              started                 exit
///   Stopped ───────────►  Running  ───────────►  Restarting
///      ▲                   │   ▲                     │
///      └───────────────────┘   └─────────────────────┘
///       ended for good, or stopped      started
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ChildState {
    /// It runs, as this process.
    Running(Pid),
    /// It ended and is to be started again.
    Restarting,
    /// It was stopped, or ended in order and was not to be started again.
    Stopped,
}

impl ChildState {
    /// The process, if it runs.
    #[must_use]
    pub const fn pid(&self) -> Option<Pid> {
        match self {
            Self::Running(pid) => Some(*pid),
            Self::Restarting | Self::Stopped => None,
        }
    }
}

/// What a supervisor tells of a child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its name within the supervisor.
    pub id: Arc<str>,
    /// Its process, if it runs.
    pub pid: Option<Pid>,
    /// Where it stands.
    pub state: ChildState,
    /// When it is started again.
    pub restart: Restart,
    /// Whether it is a supervisor itself.
    pub kind: ChildKind,
}

/// How many children a supervisor has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChildCounts {
    /// All of them, running or not.
    pub specs: usize,
    /// Those that run.
    pub active: usize,
    /// Those that are supervisors.
    pub supervisors: usize,
    /// Those that are not.
    pub workers: usize,
}

/// One child.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) spec: ChildSpec,
    pub(super) state: ChildState,
}

/// All children. The places give the order; they are never used twice.
#[derive(Debug, Default)]
pub(super) struct Children {
    places_used: u64,
    by_place: BTreeMap<u64, Child>,
    by_id: BTreeMap<ChildId, u64>,
    by_pid: BTreeMap<Pid, u64>,
}

impl Children {
    /// Adds a child behind the others, unless there is one with its id.
    pub(super) fn add(&mut self, spec: ChildSpec) -> bool {
        if self.by_id.contains_key(&spec.id) {
            return false;
        }
        let place = self.places_used;
        self.places_used += 1;
        self.by_id.insert(Arc::clone(&spec.id), place);
        let state = ChildState::Stopped;
        self.by_place.insert(place, Child { spec, state });
        true
    }

    pub(super) fn remove(&mut self, id: &str) {
        let child = self
            .by_id
            .remove(id)
            .and_then(|place| self.by_place.remove(&place));
        if let Some(pid) = child.and_then(|child| child.state.pid()) {
            self.by_pid.remove(&pid);
        }
    }

    pub(super) fn set_state(&mut self, id: &str, state: ChildState) {
        let Some(&place) = self.by_id.get(id) else {
            return;
        };
        let Some(child) = self.by_place.get_mut(&place) else {
            return;
        };
        if let Some(pid) = child.state.pid() {
            self.by_pid.remove(&pid);
        }
        if let Some(pid) = state.pid() {
            self.by_pid.insert(pid, place);
        }
        child.state = state;
    }

    pub(super) fn find(&self, id: &str) -> Option<&Child> {
        self.by_place.get(self.by_id.get(id)?)
    }

    /// The child that runs as `pid`.
    pub(super) fn running_as(&self, pid: Pid) -> Option<&Child> {
        self.by_place.get(self.by_pid.get(&pid)?)
    }

    /// All children, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Child> {
        self.by_place.values()
    }

    /// The child `id` and those behind it, in order.
    pub(super) fn since(&self, id: &str) -> impl DoubleEndedIterator<Item = &Child> {
        let place = self.by_id.get(id).copied().unwrap_or(u64::MAX);
        self.by_place.range(place..).map(|(_, child)| child)
    }

    pub(super) fn infos(&self) -> Vec<ChildInfo> {
        let info = |child: &Child| ChildInfo {
            id: Arc::clone(&child.spec.id),
            pid: child.state.pid(),
            state: child.state,
            restart: child.spec.restart,
            kind: child.spec.kind,
        };
        self.iter().map(info).collect()
    }

    pub(super) fn counts(&self) -> ChildCounts {
        let supervisors = self.iter();
        let supervisors = supervisors.filter(|child| child.spec.kind == ChildKind::Supervisor);
        let supervisors = supervisors.count();
        ChildCounts {
            specs: self.by_place.len(),
            active: self.by_pid.len(),
            supervisors,
            workers: self.by_place.len() - supervisors,
        }
    }
}
