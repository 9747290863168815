//! Pure: which processes of this node want to hear of a group's changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use noex_core::Pid;

/// Which processes of this node want to hear of a group's changes.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    groups: BTreeMap<Arc<str>, BTreeSet<Pid>>,
    watching: BTreeMap<Pid, BTreeSet<Arc<str>>>,
}

impl Watchers {
    pub(crate) fn add(&mut self, group: &Arc<str>, watcher: Pid) {
        let watchers = self.groups.entry(Arc::clone(group)).or_default();
        watchers.insert(watcher);
        let watching = self.watching.entry(watcher).or_default();
        watching.insert(Arc::clone(group));
    }

    pub(crate) fn remove(&mut self, group: &Arc<str>, watcher: Pid) {
        if let Some(watchers) = self.groups.get_mut(group) {
            watchers.remove(&watcher);
            if watchers.is_empty() {
                self.groups.remove(group);
            }
        }
        if let Some(watching) = self.watching.get_mut(&watcher) {
            watching.remove(group);
            if watching.is_empty() {
                self.watching.remove(&watcher);
            }
        }
    }

    /// The process ended.
    pub(crate) fn forget(&mut self, watcher: Pid) {
        for group in self.watching.get(&watcher).cloned().unwrap_or_default() {
            self.remove(&group, watcher);
        }
    }

    pub(crate) fn of_group(&self, group: &str) -> impl Iterator<Item = Pid> {
        self.groups.get(group).into_iter().flatten().copied()
    }

    pub(crate) fn is_watching(&self, watcher: Pid) -> bool {
        self.watching.contains_key(&watcher)
    }

    /// All that watch anything.
    pub(crate) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.watching.keys().copied()
    }
}
