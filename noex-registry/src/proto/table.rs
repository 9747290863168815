//! Pure: the claims of all nodes that are up, by name and by node.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use noex_core::Creation;

use super::claim::{Claim, winner};

/// The claims of all nodes that are up: at most one for each name and node.
#[derive(Debug, Default)]
pub(crate) struct Table {
    names: BTreeMap<Arc<str>, Vec<Claim>>,
    origins: BTreeMap<Creation, BTreeSet<Arc<str>>>,
}

impl Table {
    /// Enters a claim in the place of its node's former one. Tells whether that is a change.
    pub(crate) fn insert(&mut self, name: &Arc<str>, claim: Claim) -> bool {
        let claims = self.names.entry(Arc::clone(name)).or_default();
        if claims.contains(&claim) {
            return false;
        }
        claims.retain(|other| other.origin() != claim.origin());
        claims.push(claim);
        let names = self.origins.entry(claim.origin()).or_default();
        names.insert(Arc::clone(name));
        true
    }

    pub(crate) fn remove(&mut self, name: &str, origin: Creation) -> Option<Claim> {
        let claims = self.names.get_mut(name)?;
        let place = claims.iter().position(|claim| claim.origin() == origin)?;
        let claim = claims.swap_remove(place);
        if claims.is_empty() {
            self.names.remove(name);
        }
        if let Some(names) = self.origins.get_mut(&origin) {
            names.remove(name);
            if names.is_empty() {
                self.origins.remove(&origin);
            }
        }
        Some(claim)
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

    /// The names that this node claims.
    pub(crate) fn names_of(&self, origin: Creation) -> Vec<Arc<str>> {
        let names = self.origins.get(&origin).into_iter().flatten();
        names.map(Arc::clone).collect()
    }

    /// The claims of this node behind the name `after`, or from the first one on.
    pub(crate) fn claims_of(
        &self,
        origin: Creation,
        after: Option<&Arc<str>>,
    ) -> impl Iterator<Item = (Arc<str>, Claim)> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = self.origins.get(&origin).into_iter();
        names
            .flat_map(move |names| names.range::<Arc<str>, _>((after, Bound::Unbounded)))
            .filter_map(move |name| Some((Arc::clone(name), *self.claim(name, origin)?)))
    }
}
