//! Pure: the neighbours on the rings, and when the next of those that are watched is due.

use std::time::Instant;

use super::neighbour::{Neighbour, Watch};
use super::rings::Slot;

/// The neighbours, by slot. They are few and are gone through often, so they stand in one piece of
/// memory; when the next watch is due is asked after every input, so it is found once after a
/// change.
#[derive(Debug, Default)]
pub(super) struct NeighbourTable {
    neighbours: Vec<(Slot, Neighbour)>,
    due: Option<Instant>,
    is_changed: bool,
}

impl NeighbourTable {
    /// These are the neighbours from now on, in the order of their slots. Those that were.
    pub(super) fn replace(&mut self, neighbours: Vec<(Slot, Neighbour)>) -> Self {
        debug_assert!(
            neighbours.is_sorted_by_key(|(slot, _)| *slot),
            "they are found by slot"
        );
        let is_changed = true;
        std::mem::replace(
            self,
            Self {
                neighbours,
                due: self.due,
                is_changed,
            },
        )
    }

    /// The watch over a subject.
    pub(super) fn watch_mut(&mut self, slot: Slot) -> Option<&mut Watch> {
        let index = self.index_of(slot)?;
        self.is_changed = true;
        self.neighbours[index].1.watch.as_mut()
    }

    /// All watches.
    pub(super) fn watches_mut(&mut self) -> impl Iterator<Item = &mut Watch> {
        self.is_changed = true;
        let neighbours = self.neighbours.iter_mut();
        neighbours.filter_map(|(_, neighbour)| neighbour.watch.as_mut())
    }

    /// Finds out when the next watch is due, if that may have changed.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.is_changed) {
            self.due = self.watches().map(|(_, watch)| watch.due).min();
        }
    }

    /// When the next watch is due, as of the last [`settle`](Self::settle).
    pub(super) const fn timeout(&self) -> Option<Instant> {
        self.due
    }

    /// The watch over a subject.
    pub(super) fn watch(&self, slot: Slot) -> Option<&Watch> {
        self.neighbours[self.index_of(slot)?].1.watch.as_ref()
    }

    /// All watches, and over whom.
    pub(super) fn watches(&self) -> impl Iterator<Item = (Slot, &Watch)> {
        let neighbours = self.neighbours.iter();
        neighbours.filter_map(|(slot, neighbour)| Some((*slot, neighbour.watch.as_ref()?)))
    }

    /// Those who hear our heartbeats.
    pub(super) fn observers(&self) -> impl Iterator<Item = Slot> {
        let observers = self.neighbours.iter().filter(|(_, n)| n.is_observer);
        observers.map(|(slot, _)| *slot)
    }

    /// All of them.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.neighbours.iter().map(|(slot, _)| *slot)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.neighbours.is_empty()
    }

    /// Whether it is one.
    pub(super) fn contains(&self, slot: Slot) -> bool {
        self.index_of(slot).is_some()
    }

    fn index_of(&self, slot: Slot) -> Option<usize> {
        let index = self
            .neighbours
            .binary_search_by_key(&slot, |(slot, _)| *slot);
        index.ok()
    }
}
