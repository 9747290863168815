//! Pure: `Due`, the restarts that wait for their time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::child_spec::ChildId;

/// The restarts that wait for their time; at most one of each child.
#[derive(Debug, Default)]
pub(super) struct Due {
    by_time: BTreeSet<(Instant, ChildId)>,
    times: BTreeMap<ChildId, Instant>,
}

impl Due {
    /// Sets the restart of a child to `at`, whenever it was before.
    pub(super) fn set(&mut self, id: ChildId, at: Instant) {
        self.remove(&id);
        self.by_time.insert((at, Arc::clone(&id)));
        self.times.insert(id, at);
    }

    pub(super) fn remove(&mut self, id: &ChildId) {
        if let Some(at) = self.times.remove(id) {
            self.by_time.remove(&(at, Arc::clone(id)));
        }
    }

    pub(super) fn clear(&mut self) {
        self.by_time.clear();
        self.times.clear();
    }

    /// The child whose time came first, if it came.
    pub(super) fn pop(&mut self, now: Instant) -> Option<ChildId> {
        if self.next()? > now {
            return None;
        }
        let (_, id) = self.by_time.pop_first()?;
        self.times.remove(&id);
        Some(id)
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }
}
