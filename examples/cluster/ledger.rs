//! Pure: which chunk waits, who holds it, and what has been counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::words::Counts;

/// The state of every chunk. A chunk is counted into the result once, however often its count
/// comes in.
///
/// ```text
///  waiting ──assign──► held ──complete──► done
///     ▲                 │
///     └── hand over, ───┘
///         give back
/// ```
#[derive(Debug)]
pub(crate) struct Ledger<H> {
    waiting: VecDeque<usize>,
    held: BTreeMap<usize, H>,
    done: BTreeSet<usize>,
    total: usize,
    counts: Counts,
}

/// What became of a count that came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// It was the first one for its chunk.
    Counted,
    /// The chunk had been counted before; this one is dropped.
    Duplicate,
}

impl<H: PartialEq> Ledger<H> {
    /// All of `total` chunks wait.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            waiting: (0..total).collect(),
            held: BTreeMap::new(),
            done: BTreeSet::new(),
            total,
            counts: Counts::default(),
        }
    }

    /// Hands the next waiting chunk to `holder`, unless only `reserve` are left.
    pub(crate) fn assign(&mut self, holder: H, reserve: usize) -> Option<usize> {
        if self.waiting.len() <= reserve {
            return None;
        }
        let chunk = self.waiting.pop_front()?;
        self.held.insert(chunk, holder);
        Some(chunk)
    }

    /// The count of `chunk` came in, from whomever.
    pub(crate) fn complete(&mut self, chunk: usize, counts: Counts) -> Completion {
        if !self.done.insert(chunk) {
            return Completion::Duplicate;
        }
        if self.held.remove(&chunk).is_none() {
            self.waiting.retain(|waiting| *waiting != chunk);
        }
        self.counts.merge(counts);
        Completion::Counted
    }

    /// `holder` is lost: its unfinished chunks wait again. How many there were.
    pub(crate) fn hand_over(&mut self, holder: &H) -> usize {
        let lost: Vec<usize> = self.held_by(holder).collect();
        for chunk in &lost {
            self.give_back(*chunk, holder);
        }
        lost.len()
    }

    /// `holder` did not finish `chunk`: it waits again, before all others.
    pub(crate) fn give_back(&mut self, chunk: usize, holder: &H) {
        if self.held.get(&chunk) == Some(holder) {
            self.held.remove(&chunk);
            self.waiting.push_front(chunk);
        }
    }

    /// The unfinished chunks of `holder`.
    pub(crate) fn held_by<'a>(&'a self, holder: &'a H) -> impl Iterator<Item = usize> + 'a {
        let held = self.held.iter().filter(move |(_, by)| *by == holder);
        held.map(|(chunk, _)| *chunk)
    }

    pub(crate) fn done(&self) -> usize {
        self.done.len()
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.len() == self.total
    }

    /// The words of all chunks that are done.
    pub(crate) fn into_counts(self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_word() -> Counts {
        let mut counts = Counts::default();
        crate::words::count(b"word", &mut counts);
        counts
    }

    #[test]
    fn a_chunk_that_is_counted_twice_counts_once() {
        let mut ledger = Ledger::new(1);
        assert_eq!(ledger.assign('a', 0), Some(0));
        assert_eq!(ledger.hand_over(&'a'), 1);
        assert_eq!(ledger.assign('b', 0), Some(0));
        assert_eq!(ledger.complete(0, one_word()), Completion::Counted);
        assert_eq!(ledger.complete(0, one_word()), Completion::Duplicate);
        assert!(ledger.is_done());
        assert_eq!(ledger.into_counts().total(), 1);
    }

    #[test]
    fn a_late_count_of_a_chunk_that_waits_again_finishes_it() {
        let mut ledger = Ledger::new(1);
        ledger.assign('a', 0);
        ledger.hand_over(&'a');
        assert_eq!(ledger.complete(0, one_word()), Completion::Counted);
        assert_eq!(ledger.assign('b', 0), None);
    }

    #[test]
    fn a_reserve_is_kept_until_it_is_asked_for() {
        let mut ledger = Ledger::new(2);
        assert_eq!(ledger.assign('a', 1), Some(0));
        assert_eq!(ledger.assign('a', 1), None);
        assert_eq!(ledger.assign('a', 0), Some(1));
    }

    #[test]
    fn only_its_holder_gives_a_chunk_back() {
        let mut ledger = Ledger::new(1);
        ledger.assign('a', 0);
        ledger.hand_over(&'a');
        ledger.assign('b', 0);
        ledger.give_back(0, &'a');
        assert_eq!(ledger.held_by(&'b').collect::<Vec<_>>(), [0]);
    }
}
