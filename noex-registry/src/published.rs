//! `Published`: who holds which name and who is in which group, to be read without the driver.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;
use noex_core::{Creation, Pid};
use tokio::sync::Notify;

use crate::Stats;
use crate::proto::GroupEvent;

/// Who holds which name and who is in which group. A read takes one shard's read lock.
#[derive(Default)]
pub(crate) struct Published {
    holders: Table<Pid>,
    groups: Table<BTreeSet<Pid>>,
    /// The names that nobody holds, but somebody may soon.
    awaited: Table<()>,
    /// Some name has another holder.
    found: Notify,
}

/// Names are chosen by users, so that their hash must be a good one.
type Table<V> = DashMap<Arc<str>, V, foldhash::quality::RandomState>;

impl Published {
    pub(crate) fn name(&self, name: Arc<str>, holder: Option<Pid>) {
        match holder {
            Some(holder) => {
                self.holders.insert(name, holder);
                self.found.notify_waiters();
            }
            None => drop(self.holders.remove(&name)),
        }
    }

    pub(crate) fn set_awaited(&self, name: Arc<str>, is_awaited: bool) {
        if is_awaited {
            self.awaited.insert(name, ());
        } else {
            self.awaited.remove(&name);
        }
    }

    pub(crate) fn is_awaited(&self, name: &str) -> bool {
        self.awaited.contains_key(name)
    }

    /// Waits until a process holds the name that is not of the node `but`.
    pub(crate) async fn found(&self, name: &str, but: Option<Creation>) {
        loop {
            let found = self.found.notified();
            let holder = self.holder(name);
            if holder.is_some_and(|holder| Some(holder.creation()) != but) {
                return;
            }
            found.await;
        }
    }

    pub(crate) fn regroup(&self, event: GroupEvent) {
        match event {
            GroupEvent::Joined { group, pid } => {
                self.groups.entry(group).or_default().insert(pid);
            }
            GroupEvent::Left { group, pid } => {
                self.groups.remove_if_mut(&group, |_, members| {
                    members.remove(&pid);
                    members.is_empty()
                });
            }
        }
    }

    pub(crate) fn holder(&self, name: &str) -> Option<Pid> {
        self.holders.get(name).map(|holder| *holder)
    }

    pub(crate) fn names(&self) -> Vec<(Arc<str>, Pid)> {
        let holders = self.holders.iter();
        let mut names: Vec<_> = holders
            .map(|entry| (Arc::clone(entry.key()), *entry))
            .collect();
        names.sort();
        names
    }

    pub(crate) fn is_member(&self, group: &str, pid: Pid) -> bool {
        let members = self.groups.get(group);
        members.is_some_and(|members| members.contains(&pid))
    }

    pub(crate) fn members(&self, group: &str) -> Vec<Pid> {
        let members = self.groups.get(group);
        members.map_or_else(Vec::new, |members| members.iter().copied().collect())
    }

    /// The members that are processes of this node.
    pub(crate) fn members_of(&self, group: &str, node: Creation) -> Vec<Pid> {
        let Some(members) = self.groups.get(group) else {
            return Vec::new();
        };
        let own = Pid::new(node, 0)..=Pid::new(node, u64::MAX);
        members.range(own).copied().collect()
    }

    pub(crate) fn groups(&self) -> Vec<Arc<str>> {
        let groups = self.groups.iter();
        let mut groups: Vec<_> = groups.map(|entry| Arc::clone(entry.key())).collect();
        groups.sort();
        groups
    }

    pub(crate) fn stats(&self, own: Creation) -> Stats {
        let local = self.holders.iter();
        let local = local.filter(|holder| holder.creation() == own);
        Stats {
            registrations: self.holders.len(),
            local_registrations: local.count(),
            groups: self.groups.len(),
        }
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (names, groups) = (self.holders.len(), self.groups.len());
        write!(f, "{names} names, {groups} groups")
    }
}
