//! Pure: what the processes of this node hold, and the deltas that tell others of it.

use std::collections::BTreeMap;

use noex_core::{Creation, Pid};

use super::entry::{Entry, Key};
use super::message::{Change, Delta};
use super::room::Room;

/// What the processes of this node hold.
#[derive(Debug)]
pub(crate) struct Own {
    me: Creation,
    /// Counts the deltas of this node.
    version: u64,
    /// What each process holds, and how often: a group can be joined more than once.
    held: BTreeMap<Pid, BTreeMap<Key, u64>>,
    /// What goes into the next deltas.
    changes: Vec<Change>,
}

impl Own {
    pub(crate) const fn new(me: Creation) -> Self {
        Self {
            me,
            version: 0,
            held: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    pub(crate) fn hold(&mut self, entry: Entry) {
        let held = self.held.entry(entry.pid()).or_default();
        held.insert(entry.key(), 1);
        self.changes.push(Change::Held(entry));
    }

    /// Counts one more of what the process holds already. `false`: it does not hold it.
    pub(crate) fn hold_again(&mut self, pid: Pid, key: &Key) -> bool {
        let Some(times) = self.times(pid, key) else {
            return false;
        };
        *times += 1;
        true
    }

    /// Counts one less. `false`: it was the last one, which is still held, or there was none.
    pub(crate) fn release_again(&mut self, pid: Pid, key: &Key) -> bool {
        match self.times(pid, key) {
            None | Some(1) => false,
            Some(times) => {
                *times -= 1;
                true
            }
        }
    }

    pub(crate) fn release(&mut self, pid: Pid, key: &Key) {
        if let Some(held) = self.held.get_mut(&pid) {
            held.remove(key);
            if held.is_empty() {
                self.held.remove(&pid);
            }
        }
        self.changes.push(Change::Released(key.clone()));
    }

    /// Takes out what changed and was told to nobody yet: a delta, or as much of it as there is
    /// room for.
    pub(crate) fn poll_delta(&mut self, mut room: Room) -> Option<Delta> {
        if self.changes.is_empty() {
            return None;
        }
        let changes = self.changes.iter();
        let part = changes
            .take_while(|change| room.takes(change.name()))
            .count();
        let before = self.version;
        self.version += 1;
        Some(Delta {
            origin: self.me,
            before,
            after: self.version,
            changes: self.changes.drain(..part).collect(),
        })
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn holds_any(&self, pid: Pid) -> bool {
        self.held.contains_key(&pid)
    }

    /// What the process holds.
    pub(crate) fn keys_of(&self, pid: Pid) -> Vec<Key> {
        let held = self.held.get(&pid).into_iter();
        held.flat_map(BTreeMap::keys).cloned().collect()
    }

    /// The processes that hold anything.
    pub(crate) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.held.keys().copied()
    }

    fn times(&mut self, pid: Pid, key: &Key) -> Option<&mut u64> {
        self.held.get_mut(&pid)?.get_mut(key)
    }
}
