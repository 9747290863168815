//! The reply cells of the program, used again and again.
//!
//! As with an allocator, cells belong to no node, and a program keeps as many as it had calls
//! waiting at once: 128 bytes each. Each thread keeps some at hand.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::cell::ReplyCell;
use super::parties::PartiesCell;

/// Cells that are made at once.
const CHUNK: usize = 64;

/// The most that a thread keeps at hand; half of them go when there are more.
const AT_HAND_MAX: usize = 256;

/// Cells that were made at once: what a sweep looks through, or knows that it need not.
pub(super) struct Chunk {
    /// Calls began in these cells since the sweep of each bit looked.
    touched: AtomicU64,
    parties: Lines,
}

/// Who waits for whom in each of the cells, which have no room for it themselves. On lines of
/// their own: the mark above is read by many threads, and seldom written.
#[repr(align(128))]
struct Lines([PartiesCell; CHUNK]);

/// All chunks, in the order in which they were made.
static CHUNKS: RwLock<Vec<(&'static Chunk, &'static [ReplyCell])>> = RwLock::new(Vec::new());

/// Free cells that no thread has at hand.
static FREE: Mutex<Vec<&'static ReplyCell>> = Mutex::new(Vec::new());

thread_local! {
    /// The cell that was given back last: most often the next call's.
    static LAST: Cell<Option<&'static ReplyCell>> = const { Cell::new(None) };
    /// Whether the end of the thread gives back what it has at hand.
    static TIED: Cell<bool> = const { Cell::new(false) };
    static AT_HAND: RefCell<AtHand> = const { RefCell::new(AtHand(Vec::new())) };
}

/// The others. Looking at them ties the thread's cells to its end.
struct AtHand(Vec<&'static ReplyCell>);

impl Drop for AtHand {
    fn drop(&mut self) {
        TIED.set(false);
        self.0.extend(LAST.take());
        FREE.lock().append(&mut self.0);
    }
}

/// A free cell, which is the caller's now.
#[inline]
pub(super) fn take() -> &'static ReplyCell {
    LAST.take().unwrap_or_else(take_other)
}

#[cold]
fn take_other() -> &'static ReplyCell {
    // A thread that ends has none at hand any more.
    let taken = AT_HAND.try_with(|at_hand| {
        TIED.set(true);
        let AtHand(cells) = &mut *at_hand.borrow_mut();
        cells.pop().unwrap_or_else(|| fetch(cells))
    });
    taken.unwrap_or_else(|_ended| {
        let mut others = Vec::new();
        let one = fetch(&mut others);
        FREE.lock().append(&mut others);
        one
    })
}

/// Fills `cells`, and one more.
#[cold]
fn fetch(cells: &mut Vec<&'static ReplyCell>) -> &'static ReplyCell {
    let mut free = FREE.lock();
    let rest = free.len().saturating_sub(CHUNK);
    let mut fetched = free.split_off(rest);
    drop(free);
    let one = fetched.pop().unwrap_or_else(|| {
        let (one, others) = make().split_first().expect("a chunk holds many");
        fetched.extend(others);
        one
    });
    if cells.capacity() == 0 && fetched.len() < CHUNK {
        cells.reserve(AT_HAND_MAX + 1);
    }
    cells.append(&mut fetched);
    one
}

fn make() -> &'static [ReplyCell] {
    let chunk: &'static Chunk = Box::leak(Box::new(Chunk {
        touched: AtomicU64::new(0),
        parties: Lines([const { PartiesCell::new() }; CHUNK]),
    }));
    let cells: Box<[ReplyCell]> = (0..CHUNK).map(|_| ReplyCell::new(chunk)).collect();
    let cells: &'static [ReplyCell] = Box::leak(cells);
    CHUNKS.write().push((chunk, cells));
    cells
}

/// Takes a free cell back.
#[inline]
pub(super) fn give(cell: &'static ReplyCell) {
    match LAST.replace(Some(cell)) {
        None if TIED.get() => {}
        other => give_other(other),
    }
}

/// The thread has another one at hand, or never had one, or ends.
#[cold]
fn give_other(other: Option<&'static ReplyCell>) {
    let given = AT_HAND.try_with(|at_hand| {
        TIED.set(true);
        let AtHand(cells) = &mut *at_hand.borrow_mut();
        cells.extend(other);
        if cells.len() > AT_HAND_MAX {
            let others = cells.split_off(AT_HAND_MAX / 2);
            FREE.lock().extend(others);
        }
    });
    if given.is_err() {
        FREE.lock().extend(LAST.take().into_iter().chain(other));
    }
}

/// Runs `look` with each chunk of cells, and without a lock.
pub(super) fn for_each(mut look: impl FnMut(&'static Chunk, &'static [ReplyCell])) {
    let chunk_at = |index: usize| CHUNKS.read().get(index).copied();
    let mut index = 0;
    while let Some((chunk, cells)) = chunk_at(index) {
        look(chunk, cells);
        index += 1;
    }
}

impl ReplyCell {
    /// Who waits for whom.
    #[inline]
    pub(super) fn parties(&self) -> &'static PartiesCell {
        // The cells of a chunk follow each other: each has another number.
        let number = std::ptr::from_ref(self).addr() / size_of::<Self>() % CHUNK;
        &self.chunk.parties.0[number]
    }
}

impl Chunk {
    /// A call began in one of the cells.
    #[inline]
    pub(super) fn touch(&self) {
        // Most calls find it touched, and leave the line as it is for other threads.
        if self.touched.load(Ordering::Relaxed) != u64::MAX {
            self.touched.store(u64::MAX, Ordering::Release);
        }
    }

    /// Whether a call began since the sweep of `bit` looked last.
    pub(super) fn was_touched(&self, bit: u64) -> bool {
        self.touched.load(Ordering::Relaxed) & bit != 0
            && self.touched.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_cell_of_a_chunk_has_parties_of_its_own() {
        let cells = make();
        let places = cells
            .iter()
            .map(|cell| std::ptr::from_ref(cell.parties()).addr());
        assert_eq!(places.collect::<BTreeSet<_>>().len(), CHUNK);
        assert_eq!(size_of::<ReplyCell>(), 128);
    }
}
