//! What is to happen, in the order in which it will: first by time, then by who came first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::At;

/// What is to happen.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    order: BinaryHeap<Reverse<(At, u64, u32)>>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
    last: u64,
}

impl<E> Queue<E> {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            order: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            last: 0,
        }
    }

    /// Something will happen.
    pub(crate) fn push(&mut self, at: At, event: E) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            u32::try_from(self.events.len() - 1).expect("fewer than 4 billion events wait")
        });
        self.events[index as usize] = Some(event);
        self.last += 1;
        self.order.push(Reverse((at, self.last, index)));
    }

    /// The next thing to happen, if it does not happen after `until`.
    pub(crate) fn pop(&mut self, until: At) -> Option<(At, E)> {
        let Reverse((at, _, index)) = *self.order.peek()?;
        if at > until {
            return None;
        }
        self.order.pop();
        let event = self.events[index as usize].take();
        self.free.push(index);
        Some((at, event.expect("every entry of the order has its event")))
    }
}
