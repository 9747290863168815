//! Pure: the nodes that are up, the lives that are over, and who watches.

use std::collections::{BTreeMap, VecDeque};

use crate::id::{Creation, NodeId, Pid};
use crate::node::Peer;

/// How many lives that are over are remembered.
const SUPERSEDED_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct PeerTable {
    up: BTreeMap<Creation, NodeId>,
    /// The last life of each node that is down, so that the next one supersedes it.
    last: BTreeMap<NodeId, Creation>,
    superseded: VecDeque<Creation>,
    watchers: Vec<Pid>,
}

impl PeerTable {
    pub(super) fn up(&mut self, peer: &Peer) {
        self.up.insert(peer.creation, peer.id.clone());
        let before = self.last.insert(peer.id.clone(), peer.creation);
        if let Some(before) = before.filter(|before| *before != peer.creation) {
            self.superseded.push_back(before);
            if self.superseded.len() > SUPERSEDED_MAX {
                self.superseded.pop_front();
            }
        }
        while self.last.len() > SUPERSEDED_MAX {
            self.last.pop_first();
        }
    }

    pub(super) fn down(&mut self, creation: Creation) {
        self.up.remove(&creation);
    }

    /// Whether a later life of the same node has been seen.
    pub(super) fn is_superseded(&self, creation: Creation) -> bool {
        self.superseded.contains(&creation)
    }

    pub(super) fn find(&self, creation: Creation) -> Option<NodeId> {
        self.up.get(&creation).cloned()
    }

    pub(super) fn peers(&self) -> Vec<Peer> {
        self.up
            .iter()
            .map(|(creation, id)| Peer::new(id.clone(), *creation))
            .collect()
    }

    pub(super) fn watch(&mut self, watcher: Pid) -> Vec<Peer> {
        if !self.watchers.contains(&watcher) {
            self.watchers.push(watcher);
        }
        self.peers()
    }

    pub(super) fn watchers(&mut self) -> &mut Vec<Pid> {
        &mut self.watchers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(creation: u64) -> Peer {
        Peer::new(
            "a@127.0.0.1:1".parse().unwrap(),
            Creation::from_bits(creation),
        )
    }

    #[test]
    fn a_later_life_supersedes_the_former_one() {
        let mut table = PeerTable::default();
        table.up(&peer(1));
        table.down(Creation::from_bits(1));
        assert!(!table.is_superseded(Creation::from_bits(1)));
        table.up(&peer(2));
        assert!(table.is_superseded(Creation::from_bits(1)));
        assert!(!table.is_superseded(Creation::from_bits(2)));
        assert_eq!(table.peers(), [peer(2)]);
    }

    #[test]
    fn a_life_that_returns_is_not_superseded() {
        let mut table = PeerTable::default();
        table.up(&peer(1));
        table.down(Creation::from_bits(1));
        table.up(&peer(1));
        assert!(!table.is_superseded(Creation::from_bits(1)));
    }
}
