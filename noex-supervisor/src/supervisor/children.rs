//! Pure: the children of a supervisor, in the order in which they were added.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::Pid;
use serde::{Deserialize, Serialize};

use super::child_spec::{ChildId, ChildKind, ChildSpec};
use crate::{Restart, RestartDelay};

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
    /// The process that it runs as, or ran as before the restart that is to come.
    latest: Option<Pid>,
    /// The restarts that it has waited for since it last ran for long.
    restarts: u32,
    /// When it was started last.
    pub(super) started: Option<Instant>,
}

impl Child {
    /// Its next wait is the shortest.
    pub(super) const fn begin_anew(&mut self) {
        self.restarts = 0;
    }

    /// How long it waits for the restart that is needed now; the next wait may be longer.
    pub(super) fn wait(&mut self, delay: RestartDelay, now: Instant) -> Duration {
        let ran = self.started.take().map(|then| now.duration_since(then));
        if ran.is_some_and(|ran| ran >= delay.max) {
            self.restarts = 0;
        }
        let wait = delay.after(self.restarts);
        self.restarts = self.restarts.saturating_add(1);
        wait
    }
}

/// All children. The places give the order; they are never used twice.
///
/// Every operation on one child takes logarithmic time, and so do the counts, which are kept.
#[derive(Debug, Default)]
pub(super) struct Children {
    places_used: u64,
    by_place: BTreeMap<u64, Child>,
    by_id: BTreeMap<ChildId, u64>,
    /// The latest process of each child that runs, or is to be started again.
    by_pid: BTreeMap<Pid, u64>,
    active: usize,
    supervisors: usize,
    /// The significant ones that run, or are to be started again.
    significant: usize,
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
        self.supervisors += usize::from(spec.kind == ChildKind::Supervisor);
        let child = Child {
            spec,
            state: ChildState::Stopped,
            latest: None,
            restarts: 0,
            started: None,
        };
        self.by_place.insert(place, child);
        true
    }

    /// Adds a child behind the others under its id with a number, by which it is known then.
    pub(super) fn add_numbered(&mut self, mut spec: ChildSpec) -> ChildId {
        spec.id = format!("{}.{}", spec.id, self.places_used).into();
        let id = Arc::clone(&spec.id);
        let is_new = self.add(spec);
        assert!(is_new, "a place is never used twice");
        id
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.set_state(id, ChildState::Stopped);
        let child = self
            .by_id
            .remove(id)
            .and_then(|place| self.by_place.remove(&place));
        if let Some(child) = child {
            self.supervisors -= usize::from(child.spec.kind == ChildKind::Supervisor);
        }
    }

    pub(super) fn set_state(&mut self, id: &str, state: ChildState) {
        let Some(&place) = self.by_id.get(id) else {
            return;
        };
        let Some(child) = self.by_place.get_mut(&place) else {
            return;
        };
        let latest = match state {
            ChildState::Running(pid) => Some(pid),
            ChildState::Restarting => child.latest,
            ChildState::Stopped => None,
        };
        if child.latest != latest {
            child.latest.map(|pid| self.by_pid.remove(&pid));
            latest.map(|pid| self.by_pid.insert(pid, place));
        }
        self.active -= usize::from(child.state.pid().is_some());
        self.active += usize::from(state.pid().is_some());
        if child.spec.is_significant {
            self.significant -= usize::from(child.state != ChildState::Stopped);
            self.significant += usize::from(state != ChildState::Stopped);
        }
        child.latest = latest;
        child.state = state;
    }

    pub(super) fn find_mut(&mut self, id: &str) -> Option<&mut Child> {
        self.by_place.get_mut(self.by_id.get(id)?)
    }

    pub(super) fn find(&self, id: &str) -> Option<&Child> {
        self.by_place.get(self.by_id.get(id)?)
    }

    /// The child that runs as `pid`.
    pub(super) fn running_as(&self, pid: Pid) -> Option<&Child> {
        let child = self.known_as(pid)?;
        (child.state == ChildState::Running(pid)).then_some(child)
    }

    /// The child that runs as `pid`, or ran as `pid` and is to be started again.
    pub(super) fn known_as(&self, pid: Pid) -> Option<&Child> {
        self.by_place.get(self.by_pid.get(&pid)?)
    }

    pub(super) fn len(&self) -> usize {
        self.by_place.len()
    }

    /// How many significant children run, or are to be started again.
    pub(super) const fn significant(&self) -> usize {
        self.significant
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
        ChildCounts {
            specs: self.by_place.len(),
            active: self.active,
            supervisors: self.supervisors,
            workers: self.by_place.len() - self.supervisors,
        }
    }
}
