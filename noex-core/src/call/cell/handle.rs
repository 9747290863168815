//! `Handle` and `Duty`: the side that answers.
#![expect(
    unsafe_code,
    reason = "a handle is a pointer to a cell that lives for ever, and writes its body"
)]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicPtr, Ordering};

use bytes::Bytes;

use super::reply_cell::{ANSWERED, ENCODED, FAILED, FOREIGN, GIVEN_UP, HELD, ReplyCell};
use crate::call::{CallError, Remote, pool};
use crate::id::CallRef;
use crate::node::LocalNode;

/// The right, and the duty, to answer one call of this node, whatever its reply's type. Dropping
/// it says that it was dropped.
#[derive(Debug)]
pub(crate) struct Duty(&'static ReplyCell);

/// The right, and the duty, to answer one call, of this node or another one. It can be taken out
/// once where it is shared.
///
/// The cell is the caller's, or one that holds the way to the caller: so a handle is one word,
/// which is all that a queued message carries of its reply.
#[derive(Debug)]
pub(in crate::call) struct Handle<R> {
    /// Null once it was taken.
    cell: AtomicPtr<ReplyCell>,
    reply: PhantomData<fn(R)>,
}

/// What was taken out of a handle.
#[derive(Debug)]
pub(in crate::call) enum Right {
    /// To answer a call of this node.
    Own(Duty),
    /// To answer a call of another node.
    Foreign(Remote),
}

impl Duty {
    pub(crate) fn fail(self, error: CallError) {
        // SAFETY: the caller takes a failed body for such an error.
        unsafe { self.give(FAILED, error) };
    }

    pub(crate) fn reply_encoded(self, body: Bytes) {
        // SAFETY: the caller takes an encoded body for such bytes.
        unsafe { self.give(ENCODED, body) };
    }

    /// Notes the number under which the call waits for another node. `false`: nobody waits.
    pub(in crate::call) fn export(&self, node: &LocalNode, call: CallRef) -> bool {
        let to = Box::new((node.clone(), call));
        // SAFETY: this is the handle, and the table of calls that it is put into exports it once.
        unsafe { self.0.export(to) & GIVEN_UP == 0 }
    }

    /// # Safety
    /// The caller takes a body of this kind for a `T`.
    #[inline]
    unsafe fn give<T>(self, kind: u64, value: T) {
        let cell = ManuallyDrop::new(self).0;
        // SAFETY: the body is the handle's until `ANSWERED`, and this is the handle.
        unsafe { cell.write_body(value) };
        let (mut word, caller) = cell.settle();
        while word & GIVEN_UP == 0 {
            let answered = word | ANSWERED | kind;
            let (ok, err) = (Ordering::AcqRel, Ordering::Acquire);
            match cell.word.compare_exchange_weak(word, answered, ok, err) {
                Ok(_) => {
                    if let Some(caller) = caller {
                        caller.wake();
                    }
                    return;
                }
                Err(now) => word = now,
            }
        }
        // SAFETY: the caller is gone, so the body is still the handle's, and was written above.
        let unwanted = unsafe { cell.read_body::<T>() };
        if cell.word.fetch_or(ANSWERED, Ordering::AcqRel) & HELD == 0 {
            cell.recycle();
        }
        drop(unwanted);
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        Self(self.0).fail(CallError::ReplyDropped);
    }
}

impl<R> Handle<R> {
    pub(super) const fn of(cell: &'static ReplyCell) -> Self {
        Self {
            cell: AtomicPtr::new(std::ptr::from_ref(cell).cast_mut()),
            reply: PhantomData,
        }
    }

    /// A handle for a call of another node.
    pub(in crate::call) fn foreign(remote: Remote) -> Self {
        let cell = pool::take();
        // SAFETY: a free cell is its finder's alone.
        unsafe { cell.write_body(remote) };
        cell.word.fetch_or(FOREIGN, Ordering::Relaxed);
        Self::of(cell)
    }

    /// Answers a call of this node. For one of another node, the way to its caller, and the reply.
    #[inline]
    pub(in crate::call) fn reply(&mut self, reply: R) -> Option<(Remote, R)> {
        match self.take_own()? {
            Right::Own(duty) => {
                // SAFETY: the caller was made with this handle, for the same `R`.
                unsafe { duty.give(0, reply) };
                None
            }
            Right::Foreign(remote) => Some((remote, reply)),
        }
    }

    /// Whether somebody may still wait for it: who waits on another node is held to.
    pub(in crate::call) fn is_wanted(&self) -> bool {
        // SAFETY: as in `open`; a handle that was not taken keeps its cell from being used again.
        let cell = unsafe { self.cell.load(Ordering::Relaxed).as_ref() };
        cell.is_some_and(|cell| cell.word.load(Ordering::Relaxed) & GIVEN_UP == 0)
    }

    /// What it holds, unless it was taken before.
    pub(in crate::call) fn take(&self) -> Option<Right> {
        let cell = self.cell.swap(std::ptr::null_mut(), Ordering::Relaxed);
        Self::open(cell)
    }

    /// As [`take`](Self::take), where it is not shared.
    #[inline]
    pub(in crate::call) fn take_own(&mut self) -> Option<Right> {
        let cell = std::mem::replace(self.cell.get_mut(), std::ptr::null_mut());
        Self::open(cell)
    }

    #[inline]
    fn open(cell: *mut ReplyCell) -> Option<Right> {
        // SAFETY: a handle points nowhere, or to a cell, all of which live for ever. Nothing is
        // read by way of the pointer but what was written before the handle was given away.
        let cell = unsafe { cell.as_ref() }?;
        if cell.word.load(Ordering::Relaxed) & FOREIGN == 0 {
            return Some(Right::Own(Duty(cell)));
        }
        // SAFETY: a foreign cell is its handle's alone, and was written as it was made.
        let remote = unsafe { cell.read_body::<Remote>() };
        cell.recycle();
        Some(Right::Foreign(remote))
    }
}

impl<R> Drop for Handle<R> {
    #[inline]
    fn drop(&mut self) {
        debug_assert!(
            self.cell.get_mut().is_null(),
            "whoever holds it takes it out"
        );
    }
}
