//! The pool of a model: it keeps what is given back, and sees to it that nobody uses it any more.

use std::cell::RefCell;

use super::cell::ReplyCell;
use super::parties::PartiesCell;

/// The one of the models, in the place of a chunk of many.
pub(super) struct Chunk;

thread_local! {
    /// All threads of a model are one of the system's, to which loom gives a stack for each.
    static GIVEN: RefCell<Vec<&'static ReplyCell>> = const { RefCell::new(Vec::new()) };
}

/// A free cell: the one that was given back last, or a new one.
pub(super) fn take() -> &'static ReplyCell {
    GIVEN
        .with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| Box::leak(Box::new(ReplyCell::new(&Chunk))))
}

/// Takes a free cell back. Loom fails a model in which another thread may still look into it.
pub(super) fn give(cell: &'static ReplyCell) {
    cell.assert_free();
    GIVEN.with_borrow_mut(|given| {
        assert!(!given.iter().any(|other| std::ptr::eq(*other, cell)));
        given.push(cell);
    });
}

/// How many are free; from now on there are none.
pub(super) fn forget_all() -> usize {
    GIVEN.take().len()
}

/// A model has no sweep.
pub(super) fn for_each(_: impl FnMut(&'static Chunk, &'static [ReplyCell])) {}

impl ReplyCell {
    /// Nobody that could wait for anybody.
    pub(super) fn parties(&self) -> &'static PartiesCell {
        static NOBODY: PartiesCell = PartiesCell::new();
        &NOBODY
    }
}

impl Chunk {
    pub(super) fn touch(&self) {}

    pub(super) fn was_touched(&self, _: u64) -> bool {
        false
    }
}
