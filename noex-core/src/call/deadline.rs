//! `Deadlines`: one timer for all calls of a node.
//!
//! A timer of its own for each call costs several times the call. Here a waiting call is an entry
//! in one of a few slabs; one task sleeps until the earliest deadline that any of them has seen.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Slabs, so that calls of different threads seldom meet at one lock.
const SHARDS: usize = 16;

/// How late a deadline may be noticed, so that many near ones cost one sweep.
const SLACK: Duration = Duration::from_millis(1);

/// The timer is not armed.
const NEVER: u64 = u64::MAX;

/// The longest wait; a clock need not reach further.
const WAIT_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// The end of a wait of `timeout` that begins at `now`; a year stands for all that is longer.
#[must_use]
pub fn deadline_after(now: Instant, timeout: Duration) -> Instant {
    now + timeout.min(WAIT_MAX)
}

#[derive(Debug)]
pub(crate) struct Deadlines {
    shards: [Mutex<Shard>; SHARDS],
    epoch: Instant,
    /// For when the timer is armed, in nanoseconds since `epoch`.
    armed: AtomicU64,
    rearm: Notify,
}

#[derive(Debug, Default)]
struct Shard {
    entries: Slab<(Instant, Waker)>,
    /// No entry is due before this. Entries that went may leave it too early, never too late.
    earliest: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct DeadlineKey {
    shard: usize,
    entry: usize,
}

impl Deadlines {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            epoch: Instant::now(),
            armed: AtomicU64::new(NEVER),
            rearm: Notify::new(),
        }
    }

    /// Wakes `waker` once `deadline` has passed, unless the entry is removed before.
    pub(crate) fn insert(&self, deadline: Instant, waker: Waker) -> DeadlineKey {
        let shard = shard_of_thread();
        let mut entries = self.shards[shard].lock();
        let entry = entries.entries.insert((deadline, waker));
        let earlier = entries.earliest.is_none_or(|earliest| deadline < earliest);
        if earlier {
            entries.earliest = Some(deadline);
        }
        drop(entries);
        if earlier && self.nanos(deadline) < self.armed.load(Ordering::SeqCst) {
            self.rearm.notify_one();
        }
        DeadlineKey { shard, entry }
    }

    pub(crate) fn remove(&self, key: DeadlineKey) {
        let DeadlineKey { shard, entry } = key;
        // The waker goes after the lock: with the last waker of a task may go a waiting call.
        let removed = self.shards[shard].lock().entries.try_remove(entry);
        drop(removed);
    }

    /// The timer. Runs as long as the node.
    pub(crate) async fn run(&self) {
        loop {
            // Not armed while it looks: what is inserted meanwhile leaves a notice.
            self.armed.store(NEVER, Ordering::SeqCst);
            let earliest = self.sweep(Instant::now());
            let Some(earliest) = earliest else {
                self.rearm.notified().await;
                continue;
            };
            self.armed.store(self.nanos(earliest), Ordering::SeqCst);
            tokio::select! {
                () = sleep_until(earliest + SLACK) => {}
                () = self.rearm.notified() => {}
            }
        }
    }

    /// Wakes what is due; the earliest deadline that is left.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        let mut due = Vec::new();
        let earliest = self
            .shards
            .iter()
            .filter_map(|shard| sweep_shard(&mut shard.lock(), now, &mut due))
            .min();
        due.into_iter().for_each(Waker::wake);
        earliest
    }

    fn nanos(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(NEVER - 1)
    }
}

/// Collects the wakers of what is due; the earliest deadline that is left.
fn sweep_shard(shard: &mut Shard, now: Instant, due: &mut Vec<Waker>) -> Option<Instant> {
    if shard.earliest.is_none_or(|earliest| earliest > now) {
        return shard.earliest;
    }
    for (_, (deadline, waker)) in &shard.entries {
        if *deadline <= now {
            due.push(waker.clone());
        }
    }
    shard.earliest = shard
        .entries
        .iter()
        .map(|(_, entry)| entry.0)
        .filter(|at| *at > now)
        .min();
    shard.earliest
}

fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    SHARD.get()
}
