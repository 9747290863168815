//! Pure: the entries of all nodes that are up, by key and by node.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use noex_core::Creation;

use super::claim::{Claim, winner};
use super::entry::{Entry, Key};

/// The entries of all nodes that are up: at most one for each key and node.
#[derive(Debug, Default)]
pub(crate) struct Table {
    names: BTreeMap<Arc<str>, Vec<Claim>>,
    /// All keys. One of a member says all there is to its entry.
    origins: BTreeMap<Creation, BTreeSet<Key>>,
}

impl Table {
    /// Enters an entry in the place of its node's former one. Tells whether that is a change.
    pub(crate) fn insert(&mut self, entry: &Entry) -> bool {
        let keys = self.origins.entry(entry.origin()).or_default();
        let is_new_key = keys.insert(entry.key());
        match entry {
            Entry::Claim { name, claim } => self.insert_claim(name, *claim),
            Entry::Member { .. } => is_new_key,
        }
    }

    /// Takes an entry of this node out.
    pub(crate) fn remove(&mut self, key: &Key, origin: Creation) -> Option<Entry> {
        let keys = self.origins.get_mut(&origin)?;
        if !keys.remove(key) {
            return None;
        }
        if keys.is_empty() {
            self.origins.remove(&origin);
        }
        let entry = self.entry(key, origin);
        if let Key::Name(name) = key {
            self.remove_claim(name, origin);
        }
        entry
    }

    /// Whether this node has an entry with that key.
    pub(crate) fn contains(&self, key: &Key, origin: Creation) -> bool {
        self.origins
            .get(&origin)
            .is_some_and(|keys| keys.contains(key))
    }

    /// The claim of this node to the name.
    pub(crate) fn claim(&self, name: &str, origin: Creation) -> Option<&Claim> {
        let claims = self.names.get(name)?;
        claims.iter().find(|claim| claim.origin() == origin)
    }

    /// The claim that holds the name.
    pub(crate) fn winner(&self, name: &str) -> Option<&Claim> {
        winner(self.names.get(name)?)
    }

    /// The keys of this node's entries.
    pub(crate) fn keys_of(&self, origin: Creation) -> Vec<Key> {
        let keys = self.origins.get(&origin).into_iter().flatten();
        keys.cloned().collect()
    }

    /// The entries of this node behind the key `after`, or from the first one on.
    pub(crate) fn entries_of(
        &self,
        origin: Creation,
        after: Option<&Key>,
    ) -> impl Iterator<Item = Entry> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.origins.get(&origin).into_iter();
        keys.flat_map(move |keys| keys.range::<Key, _>((after, Bound::Unbounded)))
            .filter_map(move |key| self.entry(key, origin))
    }

    /// The entry of this node with a key that it has.
    fn entry(&self, key: &Key, origin: Creation) -> Option<Entry> {
        Some(match key {
            Key::Name(name) => Entry::Claim {
                name: Arc::clone(name),
                claim: *self.claim(name, origin)?,
            },
            Key::Member { group, pid } => Entry::Member {
                group: Arc::clone(group),
                pid: *pid,
            },
        })
    }

    fn insert_claim(&mut self, name: &Arc<str>, claim: Claim) -> bool {
        let claims = self.names.entry(Arc::clone(name)).or_default();
        if claims.contains(&claim) {
            return false;
        }
        claims.retain(|other| other.origin() != claim.origin());
        claims.push(claim);
        true
    }

    fn remove_claim(&mut self, name: &str, origin: Creation) {
        if let Some(claims) = self.names.get_mut(name) {
            claims.retain(|claim| claim.origin() != origin);
            if claims.is_empty() {
                self.names.remove(name);
            }
        }
    }
}
