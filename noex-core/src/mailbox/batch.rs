//! `Batch`: what waits behind the first thing in a mailbox, and what its receiver took.

use std::collections::VecDeque;

use super::Incoming;

/// Things in the order in which they were sent. Most processes never have more than one message
/// at a time, so this is one word until there is something in it.
#[expect(
    clippy::box_collection,
    reason = "an empty one takes one word, not four"
)]
pub(crate) struct Batch<M>(Option<Box<VecDeque<Incoming<M>>>>);

impl<M> Batch<M> {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has memory for more than `kept` things.
    #[inline]
    pub(super) fn is_above(&self, kept: usize) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.capacity() > kept)
    }

    #[inline]
    fn queue(&mut self) -> &mut VecDeque<Incoming<M>> {
        self.0.get_or_insert_default()
    }

    pub(crate) fn push_back(&mut self, incoming: Incoming<M>) {
        self.queue().push_back(incoming);
    }

    /// Adds what `make` makes. Not `push_back`: that makes it elsewhere, and moves it there at
    /// twice the cost.
    #[inline]
    pub(super) fn push_made(&mut self, make: impl FnOnce() -> Incoming<M>) {
        self.queue().extend(std::iter::once_with(make));
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<Incoming<M>> {
        self.0.as_mut()?.pop_front()
    }

    pub(crate) fn remove(&mut self, index: usize) -> Option<Incoming<M>> {
        self.0.as_mut()?.remove(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Incoming<M>> {
        self.0.iter().flat_map(|queue| queue.iter())
    }

    /// Takes all of `other` behind what is here.
    pub(super) fn append(&mut self, other: &mut Self) {
        if let Some(other) = &mut other.0 {
            self.queue().append(other);
        }
    }

    /// Gives back memory that is not needed now.
    pub(crate) fn shrink(&mut self) {
        match &mut self.0 {
            Some(queue) if !queue.is_empty() => queue.shrink_to_fit(),
            empty => *empty = None,
        }
    }

    /// Gives back the memory of what is empty and had more than `kept` things in it.
    #[inline]
    pub(super) fn shrink_above(&mut self, kept: usize) {
        if self.is_above(kept) && self.is_empty() {
            self.0 = None;
        }
    }
}
