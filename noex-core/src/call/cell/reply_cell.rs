//! `ReplyCell`: the state machine, and what the sweep and guards do with it.
#![expect(
    unsafe_code,
    reason = "measured: a lock and a reference count for each call cost half as much as the call"
)]

use std::fmt;
use std::mem::{MaybeUninit, align_of, size_of};
use std::task::Waker;

use super::handle::Handle;
use super::terms::{Due, Terms};
use super::waiting::{Task, Waiting};
use crate::call::pool::{self, Chunk};
use crate::id::CallRef;
use crate::node::LocalNode;
use crate::sync::{AtomicU64, Ordering, UnsafeCell};

/// A call uses the cell.
const WAITING: u64 = 1;
/// The waker was taken, or is being taken.
const SETTLED: u64 = 1 << 1;
/// Whoever ends the call for its time takes the waker, and is no side of the call: the cell must
/// not become free.
pub(super) const HELD: u64 = 1 << 2;
/// The time of the call is over.
pub(super) const EXPIRED: u64 = 1 << 3;
/// The handle is gone; the body is there.
pub(super) const ANSWERED: u64 = 1 << 4;
/// The body is an encoded reply.
pub(super) const ENCODED: u64 = 1 << 5;
/// The body is an error.
pub(super) const FAILED: u64 = 1 << 6;
/// The caller is gone.
pub(super) const GIVEN_UP: u64 = 1 << 7;
/// The caller changes its waker.
const BUSY: u64 = 1 << 8;
/// The handle has left for another node.
pub(super) const EXPORTED: u64 = 1 << 9;
/// The cell is no caller's: it holds the way to one on another node.
pub(super) const FOREIGN: u64 = 1 << 10;
/// Above the flags stands the generation.
const GENERATION: u32 = 16;

/// The words of a body. A larger reply is boxed.
const BODY: usize = 7;

type Body = MaybeUninit<[u64; BODY]>;

/// Where the handle of a call went.
pub(super) type Exported = (LocalNode, CallRef);

/// See the module. Two cells share no cache line.
#[repr(align(128))]
pub(crate) struct ReplyCell {
    pub(super) word: AtomicU64,
    /// As [`Terms`] writes it.
    terms: AtomicU64,
    /// As [`Due`] writes it.
    due: AtomicU64,
    pub(in crate::call) chunk: &'static Chunk,
    caller: UnsafeCell<Option<Waker>>,
    pub(super) task: Task,
    /// Set by the handle before `EXPORTED`.
    exported: UnsafeCell<Option<Box<Exported>>>,
    body: UnsafeCell<Body>,
}

// SAFETY: the module says whose each of the three unsynchronised fields is at any time. What goes
// through a body is `Send`, as `open` demands and `Remote` is; the other two are so by themselves.
unsafe impl Sync for ReplyCell {}

/// One use of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

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

impl Generation {
    pub(super) const fn new(number: u64) -> Self {
        Self(number)
    }

    pub(in crate::call) const fn number(self) -> u64 {
        self.0
    }
}

impl ReplyCell {
    pub(in crate::call) fn new(chunk: &'static Chunk) -> Self {
        Self {
            word: AtomicU64::new(0),
            terms: AtomicU64::new(0),
            due: AtomicU64::new(0),
            chunk,
            caller: UnsafeCell::new(None),
            task: Task::new(),
            exported: UnsafeCell::new(None),
            body: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Begins a call. The cell is free, and nobody else's: it came from the pool. `at` is for a
    /// call whose time runs already.
    #[inline]
    pub(in crate::call) fn open<R: Send + 'static>(
        &'static self,
        terms: Terms,
        at: Option<u64>,
        caller: Waker,
    ) -> (Waiting<R>, Handle<R>, Generation) {
        let before = self.word.load(Ordering::Relaxed);
        debug_assert_eq!(before & ((1 << GENERATION) - 1), 0, "it is free");
        let generation = Generation(before >> GENERATION);
        let due = at.map_or(Due::Unmet(generation), Due::At);
        // Released: whoever reads these and then the word finds no earlier use there.
        self.terms.store(terms.bits(), Ordering::Release);
        self.due.store(due.bits(), Ordering::Release);
        self.task.note(&caller);
        // SAFETY: a free cell is its finder's alone.
        let former = unsafe { self.swap_caller(Some(caller)) };
        debug_assert!(former.is_none(), "whoever settles takes the waker");
        self.word.store(before | WAITING, Ordering::Release);
        (Waiting::of(self), Handle::of(self), generation)
    }

    pub(in crate::call) fn standing(&self, generation: Generation) -> Standing {
        let word = self.word.load(Ordering::Acquire);
        if word >> GENERATION != generation.0 || word & ANSWERED != 0 {
            Standing::Over
        } else if word & EXPIRED != 0 {
            Standing::Expired
        } else if word & GIVEN_UP != 0 {
            Standing::GivenUp
        } else {
            Standing::Waiting
        }
    }

    /// The present use, if its caller waits and nothing has become of it yet.
    pub(in crate::call) fn waiting(&self) -> Option<Generation> {
        let word = self.word.load(Ordering::Acquire);
        let open = word & (WAITING | SETTLED) == WAITING;
        open.then_some(Generation(word >> GENERATION))
    }

    /// The terms of the present use, or of a later one than was seen last.
    pub(in crate::call) fn terms(&self) -> Terms {
        Terms::from_bits(self.terms.load(Ordering::Acquire))
    }

    /// When the present use is over, or a later one than was seen last.
    pub(in crate::call) fn due(&self) -> Due {
        Due::from_bits(self.due.load(Ordering::Acquire))
    }

    /// The time of a call runs, until `at`. When the present use is over: that of another one, if
    /// this one is.
    pub(in crate::call) fn start(&self, generation: Generation, at: u64) -> Due {
        let (unmet, due) = (Due::Unmet(generation), Due::At(at));
        let started = self.due.compare_exchange(
            unmet.bits(),
            due.bits(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        started.map_or_else(Due::from_bits, |_unmet| due)
    }

    /// The time of a call is over, if it waits and nothing has become of it yet. Its caller, if it
    /// is to be woken: one that changes its waker at this moment looks again by itself.
    pub(in crate::call) fn expire(&'static self, generation: Generation) -> Option<Waker> {
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            let open = word >> GENERATION == generation.0 && word & (WAITING | SETTLED) == WAITING;
            if !open {
                return None;
            }
            let held = if word & BUSY == 0 { HELD } else { 0 };
            let expired = word | SETTLED | EXPIRED | held;
            let (ok, err) = (Ordering::AcqRel, Ordering::Acquire);
            match self.word.compare_exchange_weak(word, expired, ok, err) {
                Ok(_) if held == 0 => return None,
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        // SAFETY: `SETTLED` was set here while the caller was not busy, and the cell can't be used
        // again while it is `HELD`.
        let caller = unsafe { self.swap_caller(None) };
        let before = self.word.fetch_and(!HELD, Ordering::AcqRel);
        if before & ANSWERED != 0 && before & GIVEN_UP != 0 {
            self.recycle();
        }
        caller
    }

    /// Ends the wait for one side, the caller or the handle. With the waker, if nobody did before.
    pub(super) fn settle(&self) -> (u64, Option<Waker>) {
        let before = self.word.fetch_or(SETTLED, Ordering::AcqRel);
        let first = before & (SETTLED | BUSY) == 0;
        // SAFETY: `SETTLED` was set here while the caller was not busy, and the cell can't be used
        // again before this side says that it is through with it.
        let caller = first.then(|| unsafe { self.swap_caller(None) });
        (before | SETTLED, caller.flatten())
    }

    /// Puts another waker in the place of the caller's, for the caller; `word` is what it saw.
    /// `false`: the former one is about to be woken.
    pub(super) fn change_caller(&self, word: u64, caller: Waker) -> bool {
        let (ok, err) = (Ordering::AcqRel, Ordering::Relaxed);
        let is_busy = word & SETTLED == 0
            && self
                .word
                .compare_exchange(word, word | BUSY, ok, err)
                .is_ok();
        if !is_busy {
            return false;
        }
        self.task.note(&caller);
        // SAFETY: it was not `SETTLED` as it became `BUSY`, and while it is the waker is the
        // caller's.
        let former = unsafe { self.swap_caller(Some(caller)) };
        let before = self.word.fetch_and(!BUSY, Ordering::AcqRel);
        if before & SETTLED == 0 {
            drop(former);
            return true;
        }
        // SAFETY: whoever settled meanwhile left the waker to the caller.
        let missed = unsafe { self.swap_caller(None) };
        // Nobody else wakes it: the body may be there a moment later only.
        self.task.forget();
        drop((former, missed));
        false
    }

    /// Where the handle went, for the caller, which has not said yet that it is through.
    pub(super) fn exported(&self, word: u64) -> Option<Box<Exported>> {
        if word & EXPORTED == 0 {
            return None;
        }
        // SAFETY: it is written once, before the flag, and goes when both sides are through.
        self.exported.with(|place| unsafe { (*place).clone() })
    }

    /// Notes where the handle goes.
    ///
    /// # Safety
    /// The calling side holds the handle, and has not done so before.
    pub(super) unsafe fn export(&self, to: Box<Exported>) -> u64 {
        // SAFETY: the caller looks at it behind the flag only.
        let former = self
            .exported
            .with_mut(|place| unsafe { (*place).replace(to) });
        debug_assert!(former.is_none(), "a handle leaves its node once");
        self.word.fetch_or(EXPORTED, Ordering::AcqRel)
    }

    /// Both sides are through with the cell.
    #[inline]
    pub(super) fn recycle(&'static self) {
        let word = self.word.load(Ordering::Relaxed);
        if word & EXPORTED == 0 {
            self.free(word);
        } else {
            self.recycle_exported(word);
        }
    }

    #[cold]
    fn recycle_exported(&'static self, word: u64) {
        // SAFETY: nobody else refers to it but by its generation, which ends here.
        let exported = unsafe { self.exported.with_mut(|place| (*place).take()) };
        self.free(word);
        // It may be the last that knows its node.
        drop(exported);
    }

    #[inline]
    fn free(&'static self, word: u64) {
        let next = ((word >> GENERATION) + 1) << GENERATION;
        self.word.store(next, Ordering::Release);
        pool::give(self);
    }

    /// Loom fails a model in which it is not, or in which it is not known to be.
    #[cfg(noex_loom)]
    pub(in crate::call) fn assert_free(&self) {
        self.caller.with_mut(|_| ());
        self.exported.with_mut(|_| ());
        self.body.with_mut(|_| ());
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
    #[inline]
    pub(super) unsafe fn write_body<T>(&self, value: T) {
        self.body.with_mut(|body| {
            if fits::<T>() {
                // SAFETY: it fits, and the place is the calling side's.
                unsafe { body.cast::<T>().write(value) }
            } else {
                // SAFETY: a box fits.
                unsafe { body.cast::<Box<T>>().write(Box::new(value)) }
            }
        });
    }

    /// # Safety
    /// The body is the calling side's, and holds a `T` that is read once.
    #[inline]
    pub(super) unsafe fn read_body<T>(&self) -> T {
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

const fn fits<T>() -> bool {
    size_of::<T>() <= size_of::<Body>() && align_of::<T>() <= align_of::<Body>()
}

impl fmt::Debug for ReplyCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word.load(Ordering::Relaxed);
        write!(f, "ReplyCell({:#b})", word & ((1 << GENERATION) - 1))
    }
}
