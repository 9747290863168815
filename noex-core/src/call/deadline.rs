//! `Deadlines`: ends the calls of a node whose time is over.
//!
//! A timer of its own for each call costs several times the call, and so does a look at the
//! clock. Here a call leaves behind how long it may wait, in its reply cell. One task sweeps over
//! the cells, every [`TICK`] while calls are made: it notes when the calls that began since then
//! are over, and wakes the callers of those that are.
//!
//! A call's time runs from the sweep that meets it first. So a call never ends too early, and at
//! most a tick too late. Where a tick is much, for waits up to [`EXACT_UP_TO`], the caller looks at
//! the clock itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::cell::{Generation, Handle, ReplyCell, Waiting};
use super::deadlock::Watch;
use super::{CallGuard, Parties, pool};
use crate::node::WeakNode;

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

/// Set in a cell's time once it is a deadline, in nanoseconds since the epoch of its node; before,
/// it is how long the call may wait, in nanoseconds.
const RUNNING: u64 = 1 << 63;

/// Nothing is due.
const NEVER: u64 = RUNNING - 1;

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
    id: u64,
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
    /// It was touched before the last sweep. One that began at that very moment is met now.
    again: bool,
}

impl Deadlines {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let mut bits = BITS.lock();
        let bit = (1 << bits.trailing_ones().min(63)) & (SHARED_BIT | !*bits);
        *bits |= bit & !SHARED_BIT;
        Self {
            id: MADE.fetch_add(1, Ordering::Relaxed) + 1,
            bit,
            epoch: Instant::now(),
            armed: AtomicU64::new(NEVER),
            asleep: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            rearm: Notify::new(),
        }
    }

    /// Begins a call between `parties` that waits for `wait`; `caller` wakes who waits.
    #[inline]
    pub(super) fn open<R: Send + 'static>(
        &self,
        wait: Wait,
        parties: Parties,
        caller: &Waker,
    ) -> (Waiting<R>, Handle<R>, CallGuard) {
        let time = match wait {
            Wait::For(timeout) if timeout > EXACT_UP_TO => nanos_of(timeout.min(WAIT_MAX)),
            Wait::For(timeout) => RUNNING | self.nanos(Instant::now() + timeout),
            Wait::Until(deadline) => RUNNING | self.nanos(deadline),
        };
        let cell = pool::take();
        cell.parties().set(parties);
        let (waiting, handle, generation) = cell.open(self.id, time, caller);
        cell.chunk.touch();
        let early = time & RUNNING != 0 && time & !RUNNING < self.armed.load(Ordering::SeqCst);
        if early || self.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
        (waiting, handle, CallGuard::new(cell, generation))
    }

    #[cold]
    fn wake(&self) {
        self.asleep.store(false, Ordering::SeqCst);
        self.rearm.notify_one();
    }

    /// Whether the time of a call is not over. If it is, its caller is told before any sweep.
    pub(super) fn check(&self, cell: &'static ReplyCell, generation: Generation) -> bool {
        let time = cell.time.load(Ordering::Relaxed);
        // The time of most calls does not run yet: no look at the clock.
        let over = time & RUNNING != 0 && Instant::now() >= self.instant_of(time);
        if over && let Some(caller) = cell.expire(generation) {
            caller.wake();
        }
        !over
    }

    /// When a call with this time in its cell is over.
    pub(super) fn instant_of(&self, time: u64) -> Instant {
        let wait = Duration::from_nanos(time & !RUNNING);
        if time & RUNNING == 0 {
            Instant::now() + wait
        } else {
            self.epoch + wait
        }
    }

    /// The node is gone.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.rearm.notify_one();
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
            let (began, earliest) = self.sweep(now, &mut known);
            if began {
                quiet = 0;
            } else if self.closing.load(Ordering::SeqCst) && earliest == NEVER {
                return;
            }
            let mut next = (earliest < NEVER).then(|| self.instant_of(earliest | RUNNING) + SLACK);
            if quiet <= QUIET_TICKS {
                let tick = now + TICK;
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
            quiet = if told { 0 } else { quiet + 1 };
        }
    }

    /// Wakes the callers whose time is over. Whether calls began since it last looked, and when
    /// the first of those that wait is over.
    fn sweep(&self, now: Instant, known: &mut Vec<Known>) -> (bool, u64) {
        let now = self.nanos(now);
        let (mut began, mut earliest, mut index) = (false, NEVER, 0);
        let mut due = Vec::new();
        pool::for_each(|chunk, cells| {
            if known.len() == index {
                known.push(Known {
                    earliest: NEVER,
                    again: true,
                });
            }
            let known = &mut known[index];
            index += 1;
            let touched = self.bit == SHARED_BIT || chunk.was_touched(self.bit);
            if touched || known.again || known.earliest <= now {
                known.earliest = self.sweep_cells(cells, now, &mut due);
            }
            known.again = touched;
            began |= touched && (self.bit != SHARED_BIT || known.earliest < NEVER);
            earliest = earliest.min(known.earliest);
        });
        // Outside of the lock: whoever wakes may be run by it, or dropped.
        due.into_iter().for_each(Waker::wake);
        (began, earliest)
    }

    /// Collects the wakers of what is due; when the next one is.
    fn sweep_cells(&self, cells: &'static [ReplyCell], now: u64, due: &mut Vec<Waker>) -> u64 {
        let mut earliest = NEVER;
        for cell in cells {
            let Some(generation) = cell.waiting() else {
                continue;
            };
            if cell.owner.load(Ordering::Relaxed) != self.id {
                continue;
            }
            let at = start(cell, now);
            if at > now {
                earliest = earliest.min(at);
                continue;
            }
            match cell.expire(generation) {
                Some(caller) => due.push(caller),
                // Over by now, or its caller moves to another task at this moment.
                None => earliest = earliest.min(now),
            }
        }
        earliest
    }

    fn nanos(&self, at: Instant) -> u64 {
        nanos_of(at.saturating_duration_since(self.epoch))
    }
}

/// When a call is over; its time runs from now on if it did not yet.
fn start(cell: &ReplyCell, now: u64) -> u64 {
    let time = cell.time.load(Ordering::Relaxed);
    if time & RUNNING != 0 {
        return time & !RUNNING;
    }
    let at = (now + time).min(NEVER - 1);
    // Should the cell be another call's by now: one that waits as long began just now as well.
    let started =
        cell.time
            .compare_exchange(time, RUNNING | at, Ordering::Relaxed, Ordering::Relaxed);
    match started {
        Ok(_) => at,
        Err(other) if other & RUNNING != 0 => other & !RUNNING,
        Err(_another_call) => now,
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
