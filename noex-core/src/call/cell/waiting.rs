//! `Waiting`: the side of the caller.
#![expect(
    unsafe_code,
    reason = "the caller reads the body that was written for it"
)]

use std::marker::PhantomData;
use std::sync::atomic::AtomicUsize;
use std::task::{Poll, Waker};

use bytes::Bytes;

use super::reply_cell::{ANSWERED, ENCODED, EXPIRED, FAILED, GIVEN_UP, HELD, ReplyCell};
use crate::call::CallError;
use crate::sync::Ordering;

/// What a caller finds.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::call) enum Outcome<R> {
    Reply(R),
    Encoded(Bytes),
    Failed(CallError),
    Expired,
}

/// The side of the caller. Dropping it gives the call up.
#[derive(Debug)]
pub(in crate::call) struct Waiting<R> {
    cell: Option<&'static ReplyCell>,
    reply: PhantomData<fn() -> R>,
}

impl<R> Waiting<R> {
    pub(super) const fn of(cell: &'static ReplyCell) -> Self {
        Self {
            cell: Some(cell),
            reply: PhantomData,
        }
    }

    #[inline]
    pub(in crate::call) fn poll(&mut self, caller: &Waker) -> Poll<Outcome<R>> {
        let Some(cell) = self.cell else {
            return Poll::Ready(Outcome::Failed(CallError::ReplyDropped));
        };
        let word = cell.word.load(Ordering::Acquire);
        if word & (ANSWERED | ENCODED | FAILED | HELD) == ANSWERED {
            self.cell = None;
            // SAFETY: as in `take`, which does this for all that is less common.
            let reply = unsafe { cell.read_body() };
            cell.recycle();
            return Poll::Ready(Outcome::Reply(reply));
        }
        if word & ANSWERED != 0 {
            return Poll::Ready(self.take(cell, word));
        }
        if word & EXPIRED != 0 {
            let over = over(cell);
            let answered = self.give_up();
            return Poll::Ready(answered.unwrap_or(over));
        }
        if !cell.task.is(caller) {
            wait_as(cell, word, caller);
        }
        Poll::Pending
    }

    /// The caller waits no more. What it finds all the same.
    #[cold]
    fn give_up(&mut self) -> Option<Outcome<R>> {
        let cell = self.cell?;
        // The waker is dropped when all is done, as its task may go with it.
        let (mut word, _caller) = cell.settle();
        loop {
            if word & ANSWERED != 0 {
                return Some(self.take(cell, word));
            }
            let exported = cell.exported(word);
            let (ok, err) = (Ordering::AcqRel, Ordering::Acquire);
            match cell
                .word
                .compare_exchange_weak(word, word | GIVEN_UP, ok, err)
            {
                Ok(_) => {
                    self.cell = None;
                    if let Some((node, call)) = exported.as_deref() {
                        node.cancel_call(*call);
                    }
                    return None;
                }
                Err(now) => word = now,
            }
        }
    }

    /// Takes what is there. The caller is through with the cell by that.
    #[cold]
    fn take(&mut self, cell: &'static ReplyCell, word: u64) -> Outcome<R> {
        self.cell = None;
        // SAFETY: behind `ANSWERED` the body is the caller's, who takes it once, and of the kind
        // that the flags say: the only handle that gives an `R` was made with this caller.
        let outcome = unsafe {
            match word & (ENCODED | FAILED) {
                ENCODED => Outcome::Encoded(cell.read_body()),
                FAILED => Outcome::Failed(cell.read_body()),
                _reply => Outcome::Reply(cell.read_body()),
            }
        };
        let over = over(cell);
        // Whoever holds the cell leaves it to be used again.
        let is_held =
            word & HELD != 0 && cell.word.fetch_or(GIVEN_UP, Ordering::AcqRel) & HELD != 0;
        if !is_held {
            cell.recycle();
        }
        match outcome {
            // A server that finds an expired call lets go of its handle.
            Outcome::Failed(_) if word & EXPIRED != 0 => over,
            outcome => outcome,
        }
    }
}

/// What becomes of a call that has expired.
fn over<R>(cell: &ReplyCell) -> Outcome<R> {
    if cell.parties().is_condemned() {
        Outcome::Failed(CallError::Deadlock)
    } else {
        Outcome::Expired
    }
}

/// Another task waits now, or this one with another waker.
#[cold]
fn wait_as(cell: &'static ReplyCell, word: u64, caller: &Waker) {
    if !cell.change_caller(word, caller.clone()) {
        // The call is being settled at this moment. This waker must look again.
        caller.wake_by_ref();
    }
}

impl<R> Drop for Waiting<R> {
    #[inline]
    fn drop(&mut self) {
        if self.cell.is_some() {
            drop(self.give_up());
        }
    }
}

/// Which task waits, as far as [`Waker::will_wake`] can tell; for the caller alone, which can't
/// look at its waker once others may take it.
#[derive(Debug)]
pub(super) struct Task([AtomicUsize; 2]);

impl Task {
    pub(super) const fn new() -> Self {
        Self([AtomicUsize::new(0), AtomicUsize::new(0)])
    }

    #[inline]
    pub(super) fn note(&self, waker: &Waker) {
        self.store(parts_of(waker));
    }

    /// No waker is the one that was noted.
    pub(super) fn forget(&self) {
        self.store([0, 0]);
    }

    #[inline]
    fn is(&self, waker: &Waker) -> bool {
        let task = self.0.each_ref().map(|part| part.load(Ordering::Relaxed));
        task == parts_of(waker)
    }

    #[inline]
    fn store(&self, parts: [usize; 2]) {
        for (place, part) in self.0.iter().zip(parts) {
            place.store(part, Ordering::Relaxed);
        }
    }
}

/// What [`Waker::will_wake`] looks at.
fn parts_of(waker: &Waker) -> [usize; 2] {
    let vtable = std::ptr::from_ref(waker.vtable());
    [waker.data().addr(), vtable.addr()]
}
