//! Pure: the nodes that may run children, and whose turn it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use noex_core::{Creation, NodeId, Peer};

/// The nodes that are up, round robin in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    up: BTreeMap<NodeId, Creation>,
    latest: Option<NodeId>,
}

impl Rotation {
    pub(super) fn up(&mut self, peer: Peer) {
        self.up.insert(peer.id, peer.creation);
    }

    /// A later life of the node, if there is one, stays.
    pub(super) fn down(&mut self, peer: &Peer) {
        if self.up.get(&peer.id) == Some(&peer.creation) {
            self.up.remove(&peer.id);
        }
    }

    /// The next node that is not among `tried`.
    pub(super) fn next(&mut self, tried: &BTreeSet<NodeId>) -> Option<Peer> {
        let after = match &self.latest {
            None => Bound::Unbounded,
            Some(latest) => Bound::Excluded(latest.clone()),
        };
        let behind = self.up.range((after, Bound::Unbounded));
        let next = behind
            .chain(&self.up)
            .find(|(id, _)| !tried.contains(*id))
            .map(|(id, creation)| Peer::new(id.clone(), *creation))?;
        self.latest = Some(next.id.clone());
        Some(next)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.up.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u16, creation: u64) -> Peer {
        let id = format!("n{number}@127.0.0.1:{number}").parse().unwrap();
        Peer::new(id, Creation::from_bits(creation))
    }

    fn turns(rotation: &mut Rotation, tried: &[&Peer]) -> Vec<u16> {
        let tried = tried.iter().map(|peer| peer.id.clone()).collect();
        (0..4)
            .filter_map(|_| rotation.next(&tried))
            .map(|peer| peer.id.port())
            .collect()
    }

    #[test]
    fn nodes_take_turns_and_those_tried_are_passed_over() {
        let mut rotation = Rotation::default();
        assert_eq!(turns(&mut rotation, &[]), []);
        for number in [2, 1, 3] {
            rotation.up(peer(number, 1));
        }
        assert_eq!(turns(&mut rotation, &[]), [1, 2, 3, 1]);
        assert_eq!(turns(&mut rotation, &[&peer(3, 1)]), [2, 1, 2, 1]);
    }

    #[test]
    fn an_old_life_that_goes_down_leaves_the_new_one() {
        let mut rotation = Rotation::default();
        rotation.up(peer(1, 1));
        rotation.up(peer(1, 2));
        rotation.down(&peer(1, 1));
        assert_eq!(rotation.next(&BTreeSet::new()), Some(peer(1, 2)));
        rotation.down(&peer(1, 2));
        assert!(rotation.is_empty());
    }
}
