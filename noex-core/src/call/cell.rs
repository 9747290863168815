//! `ReplyCell`: the place where a caller finds its reply. The one file with `unsafe` in it.
//!
//! A cell is shared by the caller ([`Waiting`]), whoever is to answer ([`Handle`]), the message
//! that is queued meanwhile ([`CallGuard`](super::CallGuard)) and the sweep that ends calls whose
//! time is over. Cells live for ever and are used again (see [`pool`](super::pool)), so that a
//! call costs no allocation, no reference count, and no registration with a timer.
//!
//! One word says whose turn it is:
//!
//! ```text
//!  free ─► WAITING ─► SETTLED ──────────► ANSWERED ──► free
//!                     │ the first of       the body     once the caller and the handle
//!                     │ answer, expiry     is there     are both through with it
//!                     │ and giving up      GIVEN_UP
//!                     ▼                    the caller is gone
//!                  EXPIRING ─► EXPIRED
//! ```
//!
//! - The waker is the caller's while `BUSY`, else that of whoever set `SETTLED`.
//! - The body is the handle's until `ANSWERED`, then the caller's, unless it has `GIVEN_UP`.
//! - A cell is free again when `ANSWERED` and `GIVEN_UP` are both said (a caller that takes the
//!   body says so by taking it), and no expiry is under way.
//!
//! A generation in the same word tells one use of a cell from the next one.
#![expect(
    unsafe_code,
    reason = "measured: a lock and a reference count for each call cost half as much as the call"
)]

use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit, align_of, size_of};
use std::sync::atomic::{AtomicPtr, AtomicUsize};
use std::task::{Poll, Waker};

use bytes::Bytes;

use super::pool::{self, Chunk};
use super::sync::{AtomicU64, Ordering, UnsafeCell};
use super::{CallError, Remote};
use crate::id::CallRef;
use crate::node::LocalNode;

/// A call uses the cell.
const WAITING: u64 = 1;
/// The waker was taken, or is being taken.
const SETTLED: u64 = 1 << 1;
/// The sweep takes the waker.
const EXPIRING: u64 = 1 << 2;
/// The time of the call is over.
const EXPIRED: u64 = 1 << 3;
/// The handle is gone; the body is there.
const ANSWERED: u64 = 1 << 4;
/// The body is an encoded reply.
const ENCODED: u64 = 1 << 5;
/// The body is an error.
const FAILED: u64 = 1 << 6;
/// The caller is gone.
const GIVEN_UP: u64 = 1 << 7;
/// The caller changes its waker.
const BUSY: u64 = 1 << 8;
/// The handle has left for another node.
const EXPORTED: u64 = 1 << 9;
/// The cell is no caller's: it holds the way to one on another node.
const FOREIGN: u64 = 1 << 10;
/// Above the flags stands the generation.
const GENERATION: u32 = 16;

/// The words of a body. A larger reply is boxed.
const BODY: usize = 7;

type Body = MaybeUninit<[u64; BODY]>;

/// See the module. Two cells share no cache line.
#[repr(align(128))]
pub(crate) struct ReplyCell {
    word: AtomicU64,
    /// Whose sweep looks after it.
    pub(super) owner: AtomicU64,
    /// How long the caller waits, as [`Deadlines`](super::Deadlines) writes it.
    pub(super) time: AtomicU64,
    pub(super) chunk: &'static Chunk,
    caller: UnsafeCell<Option<Waker>>,
    /// Which task that is, for the caller alone.
    task: [AtomicUsize; 2],
    /// Where the handle went. Set by the handle before `EXPORTED`.
    exported: UnsafeCell<Option<Box<(LocalNode, CallRef)>>>,
    body: UnsafeCell<Body>,
}

// SAFETY: the module says whose each of the three unsynchronised fields is at any time. What goes
// through a body is `Send`, as `open` demands; the other two are so by themselves.
unsafe impl Sync for ReplyCell {}
// SAFETY: as above.
unsafe impl Send for ReplyCell {}

/// One use of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Generation {
    pub(super) const fn number(self) -> u64 {
        self.0
    }
}

/// How one use of a cell stands, for those who only look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its caller waits.
    Waiting,
    /// Its caller has waited long enough.
    Expired,
    /// Its caller gave it up.
    GivenUp,
    /// It was answered, and may be over.
    Over,
}

/// What a caller finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome<R> {
    Reply(R),
    Encoded(Bytes),
    Failed(CallError),
    Expired,
}

impl ReplyCell {
    pub(super) fn new(chunk: &'static Chunk) -> Self {
        Self {
            word: AtomicU64::new(0),
            owner: AtomicU64::new(0),
            time: AtomicU64::new(0),
            chunk,
            caller: UnsafeCell::new(None),
            task: [AtomicUsize::new(0), AtomicUsize::new(0)],
            exported: UnsafeCell::new(None),
            body: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Begins a call. The cell is free, and nobody else's: it came from the pool.
    #[inline]
    pub(super) fn open<R: Send + 'static>(
        &'static self,
        owner: u64,
        time: u64,
        caller: &Waker,
    ) -> (Waiting<R>, Handle<R>, Generation) {
        let before = self.word.load(Ordering::Relaxed);
        debug_assert_eq!(before & ((1 << GENERATION) - 1), 0, "it is free");
        self.owner.store(owner, Ordering::Relaxed);
        self.time.store(time, Ordering::Relaxed);
        // SAFETY: a free cell is its finder's alone.
        let former = unsafe { self.swap_caller(Some(caller.clone())) };
        debug_assert!(former.is_none(), "whoever settles takes the waker");
        self.note_task(caller);
        self.word.store(before | WAITING, Ordering::Release);
        let waiting = Waiting {
            cell: Some(self),
            reply: PhantomData,
        };
        (waiting, Handle::of(self), Generation(before >> GENERATION))
    }

    pub(super) fn standing(&self, generation: Generation) -> Standing {
        let word = self.word.load(Ordering::Acquire);
        if word >> GENERATION != generation.0 || word & ANSWERED != 0 {
            Standing::Over
        } else if word & (EXPIRING | EXPIRED) != 0 {
            Standing::Expired
        } else if word & GIVEN_UP != 0 {
            Standing::GivenUp
        } else {
            Standing::Waiting
        }
    }

    /// The present use, if its caller waits and nothing has become of it yet.
    pub(super) fn waiting(&self) -> Option<Generation> {
        let word = self.word.load(Ordering::Acquire);
        let open = word & (WAITING | SETTLED) == WAITING;
        open.then_some(Generation(word >> GENERATION))
    }

    /// The time of a call is over: its caller is to be woken. `None` if it is over or settled, or
    /// its caller is changing its waker at this moment.
    pub(super) fn expire(&'static self, generation: Generation) -> Option<Waker> {
        let word = self.word.load(Ordering::Acquire);
        let open =
            word >> GENERATION == generation.0 && word & (WAITING | SETTLED | BUSY) == WAITING;
        let settled = word | SETTLED | EXPIRING;
        let settle = || {
            self.word
                .compare_exchange(word, settled, Ordering::AcqRel, Ordering::Relaxed)
        };
        if !open || settle().is_err() {
            return None;
        }
        // SAFETY: `SETTLED` was set here, and the cell can't be used again while `EXPIRING`.
        let caller = unsafe { self.swap_caller(None) };
        let before = self.word.fetch_xor(EXPIRING | EXPIRED, Ordering::AcqRel);
        if before & ANSWERED != 0 && before & GIVEN_UP != 0 {
            self.recycle();
        }
        caller
    }

    /// What becomes of a call that has expired.
    fn over<R>(&self) -> Outcome<R> {
        if self.parties().is_condemned() {
            Outcome::Failed(CallError::Deadlock)
        } else {
            Outcome::Expired
        }
    }

    fn note_task(&self, caller: &Waker) {
        for (place, part) in self.task.iter().zip(parts_of(caller)) {
            place.store(part, Ordering::Relaxed);
        }
    }

    /// Whether `caller` wakes the task that was noted, as far as [`Waker::will_wake`] can tell.
    fn is_task(&self, caller: &Waker) -> bool {
        let task = self.task.iter().map(|place| place.load(Ordering::Relaxed));
        task.eq(parts_of(caller))
    }

    /// Makes the waker ready to be taken by this side, if nobody has.
    fn settle(&self) -> (u64, Option<Waker>) {
        let before = self.word.fetch_or(SETTLED, Ordering::AcqRel);
        let first = before & (SETTLED | BUSY) == 0;
        // SAFETY: `SETTLED` was set here, and the cell can't be used again before this side,
        // which is the caller or the handle, says that it is through with it.
        let caller = first.then(|| unsafe { self.swap_caller(None) });
        (before | SETTLED, caller.flatten())
    }

    /// Both sides are through with the cell.
    #[inline]
    fn recycle(&'static self) {
        let word = self.word.load(Ordering::Relaxed);
        if word & EXPORTED != 0 {
            // SAFETY: nobody else refers to it but by its generation, which ends here.
            drop(unsafe { self.exported.with_mut(|place| (*place).take()) });
        }
        let next = ((word >> GENERATION) + 1) << GENERATION;
        self.word.store(next, Ordering::Release);
        pool::give(self);
    }

    /// # Safety
    /// The waker is the calling side's.
    unsafe fn swap_caller(&self, caller: Option<Waker>) -> Option<Waker> {
        // SAFETY: as demanded.
        self.caller
            .with_mut(|place| unsafe { std::mem::replace(&mut *place, caller) })
    }

    /// # Safety
    /// The body is the calling side's, and holds nothing.
    unsafe fn write_body<T>(&self, value: T) {
        self.body.with_mut(|body| {
            if fits::<T>() {
                // SAFETY: it fits, and the place is the caller's.
                unsafe { body.cast::<T>().write(value) }
            } else {
                // SAFETY: a box fits.
                unsafe { body.cast::<Box<T>>().write(Box::new(value)) }
            }
        });
    }

    /// # Safety
    /// The body is the calling side's, and holds a `T` that is read once.
    unsafe fn read_body<T>(&self) -> T {
        self.body.with_mut(|body| {
            if fits::<T>() {
                // SAFETY: it was written so.
                unsafe { body.cast::<T>().read() }
            } else {
                // SAFETY: it was written so.
                *unsafe { body.cast::<Box<T>>().read() }
            }
        })
    }
}

/// What [`Waker::will_wake`] looks at.
fn parts_of(waker: &Waker) -> [usize; 2] {
    let vtable = std::ptr::from_ref(waker.vtable());
    [waker.data().addr(), vtable.addr()]
}

const fn fits<T>() -> bool {
    size_of::<T>() <= size_of::<Body>() && align_of::<T>() <= align_of::<Body>()
}

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
pub(crate) struct Handle<R> {
    /// Null once it was taken.
    cell: AtomicPtr<ReplyCell>,
    reply: PhantomData<fn(R)>,
}

/// What was taken out of a handle.
#[derive(Debug)]
pub(crate) enum Right {
    /// To answer a call of this node.
    Own(Duty),
    /// To answer a call of another node.
    Foreign(Remote),
}

impl Duty {
    pub(crate) fn fail(self, error: CallError) {
        self.give(FAILED, error);
    }

    pub(crate) fn reply_encoded(self, body: Bytes) {
        self.give(ENCODED, body);
    }

    /// Notes the number under which the call waits for another node. `false`: nobody waits.
    pub(crate) fn export(&self, node: &LocalNode, call: CallRef) -> bool {
        let place = Some(Box::new((node.clone(), call)));
        // SAFETY: the caller looks at it behind the flag only, which is set once.
        let former = self
            .0
            .exported
            .with_mut(|exported| unsafe { std::mem::replace(&mut *exported, place) });
        debug_assert!(former.is_none(), "a handle leaves its node once");
        self.0.word.fetch_or(EXPORTED, Ordering::AcqRel) & GIVEN_UP == 0
    }

    #[inline]
    fn give<T>(self, kind: u64, value: T) {
        let cell = ManuallyDrop::new(self).0;
        // SAFETY: the body is the handle's until `ANSWERED`, and this is the handle.
        unsafe { cell.write_body(value) };
        let (mut word, caller) = cell.settle();
        while word & GIVEN_UP == 0 {
            let answered = word | ANSWERED | kind;
            let set = cell.word.compare_exchange_weak(
                word,
                answered,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match set {
                Ok(_) => {
                    if let Some(caller) = caller {
                        caller.wake();
                    }
                    return;
                }
                Err(now) => word = now,
            }
        }
        // SAFETY: the caller is gone, so the body is still the handle's.
        drop(unsafe { cell.read_body::<T>() });
        if cell.word.fetch_or(ANSWERED, Ordering::AcqRel) & EXPIRING == 0 {
            cell.recycle();
        }
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        Self(self.0).fail(CallError::ReplyDropped);
    }
}

impl<R> Handle<R> {
    fn of(cell: &'static ReplyCell) -> Self {
        Self {
            cell: AtomicPtr::new(std::ptr::from_ref(cell).cast_mut()),
            reply: PhantomData,
        }
    }

    /// A handle for a call of another node.
    pub(crate) fn foreign(remote: Remote) -> Self {
        let cell = pool::take();
        // SAFETY: a free cell is its finder's alone.
        unsafe { cell.write_body(remote) };
        cell.word.fetch_or(FOREIGN, Ordering::Relaxed);
        Self::of(cell)
    }

    /// Answers a call of this node. For one of another node, the way to its caller, and the reply.
    #[inline]
    pub(crate) fn reply(&mut self, reply: R) -> Option<(Remote, R)> {
        match self.take_own()? {
            Right::Own(duty) => {
                duty.give(0, reply);
                None
            }
            Right::Foreign(remote) => Some((remote, reply)),
        }
    }

    /// What it holds, unless it was taken before.
    pub(crate) fn take(&self) -> Option<Right> {
        let cell = self.cell.swap(std::ptr::null_mut(), Ordering::Relaxed);
        Self::open(cell)
    }

    /// As [`take`](Self::take), where it is not shared.
    #[inline]
    pub(crate) fn take_own(&mut self) -> Option<Right> {
        let cell = std::mem::replace(self.cell.get_mut(), std::ptr::null_mut());
        Self::open(cell)
    }

    #[inline]
    fn open(cell: *mut ReplyCell) -> Option<Right> {
        // SAFETY: a handle points nowhere, or to a cell, all of which live for ever.
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

/// The side of the caller. Dropping it gives the call up.
#[derive(Debug)]
pub(crate) struct Waiting<R> {
    cell: Option<&'static ReplyCell>,
    reply: PhantomData<fn() -> R>,
}

impl<R> Waiting<R> {
    #[inline]
    pub(crate) fn poll(&mut self, caller: &Waker) -> Poll<Outcome<R>> {
        let Some(cell) = self.cell else {
            return Poll::Ready(Outcome::Failed(CallError::ReplyDropped));
        };
        let word = cell.word.load(Ordering::Acquire);
        if word & (ANSWERED | ENCODED | FAILED | EXPIRING) == ANSWERED {
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
            let over = cell.over();
            let answered = self.give_up();
            return Poll::Ready(answered.unwrap_or(over));
        }
        if !cell.is_task(caller) {
            self.wait_as(cell, word, caller);
        }
        Poll::Pending
    }

    /// Another task waits now, or this one with another waker.
    #[cold]
    fn wait_as(&self, cell: &'static ReplyCell, word: u64, caller: &Waker) {
        let new = caller.clone();
        let busy = || {
            cell.word
                .compare_exchange(word, word | BUSY, Ordering::AcqRel, Ordering::Relaxed)
        };
        if word & SETTLED != 0 || busy().is_err() {
            // The former waker is about to be woken. This one must look again.
            caller.wake_by_ref();
            return;
        }
        // SAFETY: the waker is the caller's while `BUSY`.
        let former = unsafe { cell.swap_caller(Some(new)) };
        cell.note_task(caller);
        if cell.word.fetch_and(!BUSY, Ordering::AcqRel) & SETTLED != 0 {
            // SAFETY: whoever settled meanwhile left it to the caller.
            let missed = unsafe { cell.swap_caller(None) };
            if let Some(missed) = missed {
                missed.wake();
            }
        }
        drop(former);
    }

    /// The caller waits no more. What it finds all the same.
    #[cold]
    fn give_up(&mut self) -> Option<Outcome<R>> {
        let cell = self.cell?;
        let (mut word, caller) = cell.settle();
        drop(caller);
        loop {
            if word & ANSWERED != 0 {
                return Some(self.take(cell, word));
            }
            let exported = if word & EXPORTED == 0 {
                None
            } else {
                // SAFETY: it is written once, before the flag, and goes when both sides are
                // through; this one is not.
                cell.exported.with(|place| unsafe { (*place).clone() })
            };
            let set = cell.word.compare_exchange_weak(
                word,
                word | GIVEN_UP,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match set {
                Ok(_) => {
                    self.cell = None;
                    if let Some(exported) = exported {
                        exported.0.cancel_call(exported.1);
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
        // that the flags say: of the cell's handles, only one of the same type gives an `R`.
        let outcome = unsafe {
            match word & (ENCODED | FAILED) {
                ENCODED => Outcome::Encoded(cell.read_body()),
                FAILED => Outcome::Failed(cell.read_body()),
                _reply => Outcome::Reply(cell.read_body()),
            }
        };
        let over = cell.over();
        // An expiry that is under way has the cell in hand, and leaves it to be used again.
        let expiring =
            word & EXPIRING != 0 && cell.word.fetch_or(GIVEN_UP, Ordering::AcqRel) & EXPIRING != 0;
        if !expiring {
            cell.recycle();
        }
        match outcome {
            // A server that finds an expired call lets go of its handle.
            Outcome::Failed(_) if word & EXPIRED != 0 => over,
            outcome => outcome,
        }
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

impl fmt::Debug for ReplyCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word.load(Ordering::Relaxed);
        write!(f, "ReplyCell({:#b})", word & ((1 << GENERATION) - 1))
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
