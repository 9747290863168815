//! Pure: which chunk waits, who holds it, and what has been counted.

use std::collections::VecDeque;

use crate::words::Counts;

/// The state of every chunk. A chunk is counted into the result once, however often its count
/// comes in.
///
/// ```text
///  waiting ──assign──► held ──complete──► done
///     ▲                 │
///     └──── hand over ──┘
/// ```
#[derive(Debug)]
pub(crate) struct Ledger<N> {
    chunks: Vec<Chunk<N>>,
    waiting: VecDeque<usize>,
    done: usize,
    counts: Counts,
}

#[derive(Debug, PartialEq)]
enum Chunk<N> {
    Waiting,
    Held { by: N },
    Done,
}

/// What became of a count that came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// It was the first one for its chunk.
    Counted,
    /// The chunk had been counted before; this one is dropped.
    Duplicate,
}

impl<N: PartialEq> Ledger<N> {
    /// All of `chunks` chunks wait.
    pub(crate) fn new(chunks: usize) -> Self {
        Self {
            chunks: (0..chunks).map(|_| Chunk::Waiting).collect(),
            waiting: (0..chunks).collect(),
            done: 0,
            counts: Counts::default(),
        }
    }

    /// Hands the next waiting chunk to `holder`, unless only `reserve` are left.
    pub(crate) fn assign(&mut self, holder: N, reserve: usize) -> Option<usize> {
        if self.waiting.len() <= reserve {
            return None;
        }
        let chunk = self.waiting.pop_front()?;
        self.chunks[chunk] = Chunk::Held { by: holder };
        Some(chunk)
    }

    /// The count of `chunk` came in, from whomever.
    pub(crate) fn complete(&mut self, chunk: usize, counts: Counts) -> Completion {
        if self.chunks[chunk] == Chunk::Done {
            return Completion::Duplicate;
        }
        self.chunks[chunk] = Chunk::Done;
        self.waiting.retain(|waiting| *waiting != chunk);
        self.done += 1;
        self.counts.merge(counts);
        Completion::Counted
    }

    /// `holder` is lost: its unfinished chunks wait again. How many there were.
    pub(crate) fn hand_over(&mut self, holder: &N) -> usize {
        let lost: Vec<usize> = self.held_by(holder).collect();
        for chunk in &lost {
            self.chunks[*chunk] = Chunk::Waiting;
            self.waiting.push_front(*chunk);
        }
        lost.len()
    }

    /// `holder` did not take `chunk` after all.
    pub(crate) fn give_back(&mut self, chunk: usize, holder: &N) {
        if matches!(&self.chunks[chunk], Chunk::Held { by } if by == holder) {
            self.chunks[chunk] = Chunk::Waiting;
            self.waiting.push_front(chunk);
        }
    }

    /// The unfinished chunks of `holder`.
    pub(crate) fn held_by<'a>(&'a self, holder: &'a N) -> impl Iterator<Item = usize> + 'a {
        let held = self.chunks.iter().enumerate();
        held.filter(move |(_, chunk)| matches!(chunk, Chunk::Held { by } if by == holder))
            .map(|(index, _)| index)
    }

    pub(crate) fn done(&self) -> usize {
        self.done
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.len()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done == self.chunks.len()
    }

    /// The words of all chunks that are done.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
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
        assert_eq!(ledger.counts().total(), 1);
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
