//! `Deadlines`: ends the calls of a node whose time is over.
//!
//! A timer of its own for each call costs several times the call, and so does a look at the
//! clock. Here a call leaves behind how long it may wait, in its reply cell. One task sweeps over
//! the cells, every [`TICK`] while calls are made: it notes when the calls that began since then
//! are over, and wakes the callers of those that are.
//!
//! A call's time runs from the sweep that meets it first, which looks at the clock behind that. So
//! a call never ends too early, and at most a tick too late. Where a tick is much, for waits up to
//! [`EXACT_UP_TO`], the caller looks at the clock itself.
//!
//! No call is lost, though it makes itself known with plain stores. It is written before its chunk
//! is found touched and its sweep awake, so a sweep that comes later than such a store takes to be
//! seen meets it: one looks at a chunk until a tick has gone by since it was touched, and relies
//! on being told until a tick has gone by since it said so. A node is gone behind its last call.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::cell::{Due, Generation, Handle, ReplyCell, Terms, Waiting};
use super::deadlock::Watch;
use super::{CallGuard, Parties, pool};
use crate::node::WeakNode;
use crate::process::catch;

/// How often calls that began are looked for, and how late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(10);

/// The ticks without a new call after which a sweep waits to be told of one.
const QUIET_TICKS: u32 = 10;

/// Waits up to this run from the moment of the call.
const EXACT_UP_TO: Duration = Duration::from_secs(1);

/// How late an exact deadline may be noticed, so that many near ones cost one sweep.
const SLACK: Duration = Duration::from_millis(1);

/// The longest wait; a clock need not reach further.
const WAIT_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Nothing is due.
const NEVER: u64 = Due::MAX;

/// The bit of those sweeps that have none of their own.
const SHARED_BIT: u64 = 1 << 63;

/// The bits of sweeps by which chunks tell them of new calls.
static BITS: Mutex<u64> = Mutex::new(0);

/// How long a caller waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a time has a length or an end")]
pub enum Wait {
    /// For so long; where that is more than a second, up to a tick of the node longer.
    For(Duration),
    /// Until then, however far that is.
    Until(Instant),
}

/// The end of a wait of `timeout` that begins at `now`; a year stands for all that is longer.
#[must_use]
pub fn deadline_after(now: Instant, timeout: Duration) -> Instant {
    now + timeout.min(WAIT_MAX)
}

#[derive(Debug)]
pub(crate) struct Deadlines {
    /// Tells the calls of this node from those of others.
    id: u32,
    bit: u64,
    epoch: Instant,
    /// For when the sweep is set, in nanoseconds since `epoch`.
    armed: AtomicU64,
    /// The sweep wants to be told of new calls.
    asleep: AtomicBool,
    /// The node is gone: the sweep ends with the last of its calls.
    closing: AtomicBool,
    rearm: Notify,
}

/// What the sweep knows of a chunk.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// No call in it is over before this.
    earliest: u64,
    /// When it was found touched, until it was looked at a tick later: a call may have begun at
    /// that very moment.
    touched: Option<u64>,
}

impl Deadlines {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let mut bits = BITS.lock();
        let bit = (1 << bits.trailing_ones().min(63)) & (SHARED_BIT | !*bits);
        *bits |= bit & !SHARED_BIT;
        Self {
            id: MADE.fetch_add(1, Ordering::Relaxed),
            bit,
            epoch: Instant::now(),
            armed: AtomicU64::new(NEVER),
            asleep: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            rearm: Notify::new(),
        }
    }

    /// Begins a call between `parties` that waits for `wait`; `caller` wakes who waits.
    #[inline(always)]
    pub(super) fn open<R: Send + 'static>(
        &self,
        wait: Wait,
        parties: Parties,
        caller: &Waker,
    ) -> (Waiting<R>, Handle<R>, CallGuard) {
        // Foreign code comes first, and what it leaves behind last.
        let caller = caller.clone();
        let (at, timeout) = match wait {
            Wait::For(timeout) if timeout > EXACT_UP_TO => (None, timeout.min(WAIT_MAX)),
            Wait::For(timeout) => (Some(self.nanos(Instant::now() + timeout)), timeout),
            Wait::Until(deadline) => (Some(self.nanos(deadline)), Duration::ZERO),
        };
        let cell = pool::take();
        cell.parties().set(parties);
        let terms = Terms::new(self.id, timeout);
        let (waiting, handle, generation) = cell.open(terms, at, caller);
        cell.chunk.touch();
        let is_early = at.is_some_and(|at| at < self.armed.load(Ordering::SeqCst));
        if is_early || self.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
        (waiting, handle, CallGuard::new(cell, generation))
    }

    /// The sweep alone says that it is awake: were it said here, it could be late, and not so.
    #[cold]
    fn wake(&self) {
        self.rearm.notify_one();
    }

    /// Whether the time of a call is not over. If it is, its caller is told before any sweep.
    pub(super) fn check(&self, cell: &'static ReplyCell, generation: Generation) -> bool {
        // The time of most calls does not run yet: no look at the clock.
        let is_over = match cell.due() {
            Due::Unmet(_) => false,
            Due::At(nanos) => Instant::now() >= self.instant_of(nanos),
        };
        // Should the cell be another call's by now, this one is over and `expire` does nothing.
        if is_over && let Some(caller) = cell.expire(generation) {
            caller.wake();
        }
        !is_over
    }

    pub(super) fn instant_of(&self, nanos: u64) -> Instant {
        self.epoch + Duration::from_nanos(nanos)
    }

    /// The node is gone.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.rearm.notify_one();
    }

    /// Whether the sweep waits for nothing but to be told of a call.
    #[cfg(all(test, not(noex_loom)))]
    pub(super) fn is_idle(&self) -> bool {
        self.asleep.load(Ordering::SeqCst) && self.armed.load(Ordering::SeqCst) == NEVER
    }

    /// The sweep. Runs as long as the node, or as one of its calls waits.
    pub(crate) async fn run(&self, node: WeakNode) {
        let mut known = Vec::new();
        let mut watch = Watch::new(node);
        let mut quiet = 0;
        loop {
            // Not armed while it looks: what begins meanwhile leaves a notice.
            self.armed.store(NEVER, Ordering::SeqCst);
            let now = Instant::now();
            // Looked at first: the last call of the node is seen behind it.
            let closing = self.closing.load(Ordering::SeqCst);
            let (began, earliest) = self.sweep(now, &mut known, closing);
            if closing && earliest == NEVER {
                return;
            }
            if began {
                quiet = 0;
            }
            let tick = now + TICK;
            let mut next = (earliest < NEVER).then(|| self.instant_of(earliest) + SLACK);
            if quiet <= QUIET_TICKS {
                next = Some(next.map_or(tick, |next| next.min(tick)));
            }
            if let Some(look) = watch.look(self.id, began) {
                next = Some(next.map_or(look, |next| next.min(look)));
            }
            // A tick goes by between the wish to be told and the sweep that relies on it.
            let asleep = quiet >= QUIET_TICKS;
            self.asleep.store(asleep, Ordering::SeqCst);
            let armed = next.map_or(NEVER, |next| self.nanos(next));
            self.armed.store(armed, Ordering::SeqCst);
            let told = match next {
                None => {
                    self.rearm.notified().await;
                    true
                }
                Some(next) => tokio::select! {
                    () = sleep_until(next) => false,
                    () = self.rearm.notified() => true,
                },
            };
            quiet = match next {
                Some(next) if !told && next >= tick => quiet.saturating_add(1),
                Some(_) if !told => quiet,
                _told => 0,
            };
        }
    }

    /// Wakes the callers whose time is over. Whether calls began since it last looked, and when
    /// the first of those that wait is over.
    fn sweep(&self, now: Instant, known: &mut Vec<Known>, everything: bool) -> (bool, u64) {
        let now = self.nanos(now);
        let (mut began, mut earliest, mut index) = (false, NEVER, 0);
        pool::for_each(|chunk, cells| {
            if known.len() == index {
                known.push(Known {
                    earliest: NEVER,
                    touched: Some(now),
                });
            }
            let known = &mut known[index];
            index += 1;
            let touched = self.bit == SHARED_BIT || chunk.was_touched(self.bit);
            if touched {
                known.touched = Some(now);
            }
            if everything || known.touched.is_some() || known.earliest <= now {
                known.earliest = self.sweep_cells(cells, now);
            }
            known.touched = known.touched.filter(|at| now < at + nanos_of(TICK));
            began |= touched && (self.bit != SHARED_BIT || known.earliest < NEVER);
            earliest = earliest.min(known.earliest);
        });
        (began, earliest)
    }

    /// Wakes the callers of what is due; when the next one is.
    fn sweep_cells(&self, cells: &'static [ReplyCell], now: u64) -> u64 {
        let mut earliest = NEVER;
        for cell in cells {
            let Some((generation, at)) = self.meet(cell) else {
                continue;
            };
            if at > now {
                earliest = earliest.min(at);
                continue;
            }
            let expire = || cell.expire(generation).map(Waker::wake);
            if let Err(panic) = catch(expire) {
                tracing::error!(%panic, "a waker panicked; its call is over all the same");
            }
        }
        earliest
    }

    /// The call of this node that waits in `cell`, and when it is over.
    fn meet(&self, cell: &'static ReplyCell) -> Option<(Generation, u64)> {
        let generation = cell.waiting()?;
        let terms = cell.terms();
        if !terms.is_of(self.id) {
            return None;
        }
        let mut due = cell.due();
        if due == Due::Unmet(generation) {
            // Behind the look that met it, or it would end too early.
            let over = self.nanos(Instant::now()) + nanos_of(terms.wait());
            due = cell.start(generation, over.min(NEVER - 1));
        }
        match due {
            Due::At(at) => Some((generation, at)),
            // Another call's by now, which touched its chunk.
            Due::Unmet(_) => None,
        }
    }

    fn nanos(&self, at: Instant) -> u64 {
        nanos_of(at.saturating_duration_since(self.epoch))
    }
}

fn nanos_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).map_or(NEVER - 1, |nanos| nanos.min(NEVER - 1))
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        *BITS.lock() &= !(self.bit & !SHARED_BIT);
    }
}
