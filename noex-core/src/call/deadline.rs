//! `Deadlines`: one timer for all calls of a node.
//!
//! A timer of its own for each call costs several times the call. Here a waiting call is an entry
//! in one of a few slabs; one task sleeps until the earliest deadline that any of them has seen.
//!
//! A task that has its reply most often calls again. So the entry of the last call that ended on a
//! thread is kept as it is, waker and all, and the same task's next call takes it over.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
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
    /// Tells the entries of this node from those of others.
    id: usize,
    shards: [Mutex<Shard>; SHARDS],
    epoch: Instant,
    /// For when the timer is armed, in nanoseconds since `epoch`.
    armed: AtomicU64,
    rearm: Notify,
}

#[derive(Debug, Default)]
struct Shard {
    entries: Slab<Entry>,
    /// No entry is due before this. Entries that went may leave it too early, never too late.
    earliest: Option<Instant>,
    made: u64,
}

#[derive(Debug)]
struct Entry {
    deadline: Due,
    waker: Waker,
    /// Tells this entry from others that were or will be in its place.
    made: u64,
}

/// ```text
///  At ──sweep──► Told ──sweep──► gone
///   ▲             │
///   └─── reuse ───┘
/// ```
#[derive(Debug, Clone, Copy)]
enum Due {
    At(Instant),
    /// Its task was woken. If the entry is nobody's, the next sweep takes it.
    Told,
}

/// An entry. It is good for one wait, and may be left behind by a call that has its reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeadlineKey {
    owner: usize,
    shard: usize,
    entry: usize,
    made: u64,
}

thread_local! {
    /// The entry of the last call that ended on this thread.
    static SPARE: Cell<Option<DeadlineKey>> = const { Cell::new(None) };
}

impl Deadlines {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        Self {
            id: MADE.fetch_add(1, Ordering::Relaxed),
            shards: std::array::from_fn(|_| Mutex::default()),
            epoch: Instant::now(),
            armed: AtomicU64::new(NEVER),
            rearm: Notify::new(),
        }
    }

    /// Wakes `waker` once `deadline` has passed, unless the entry is removed before.
    pub(crate) fn insert(&self, deadline: Instant, waker: &Waker) -> DeadlineKey {
        let spare = SPARE.get().filter(|spare| spare.owner == self.id);
        if let Some(spare) = spare {
            SPARE.set(None);
            if self.reuse(spare, deadline, waker) {
                return spare;
            }
            self.take_out(spare);
        }
        let shard = shard_of_thread();
        let mut entries = self.shards[shard].lock();
        entries.made += 1;
        let made = entries.made;
        let entry = Entry {
            deadline: Due::At(deadline),
            waker: waker.clone(),
            made,
        };
        let entry = entries.entries.insert(entry);
        self.note(entries, deadline);
        DeadlineKey {
            owner: self.id,
            shard,
            entry,
            made,
        }
    }

    /// Whether the spare entry belongs to the same task, and has the new deadline now.
    fn reuse(&self, spare: DeadlineKey, deadline: Instant, waker: &Waker) -> bool {
        let mut entries = self.shards[spare.shard].lock();
        match entries.entries.get_mut(spare.entry) {
            Some(entry) if entry.made == spare.made && entry.waker.will_wake(waker) => {
                entry.deadline = Due::At(deadline);
                self.note(entries, deadline);
                true
            }
            Some(_) | None => false,
        }
    }

    /// A deadline has come to a shard: the timer must not sleep longer than that.
    fn note(&self, mut entries: MutexGuard<'_, Shard>, deadline: Instant) {
        let earlier = entries.earliest.is_none_or(|earliest| deadline < earliest);
        if earlier {
            entries.earliest = Some(deadline);
        }
        drop(entries);
        if earlier && self.nanos(deadline) < self.armed.load(Ordering::SeqCst) {
            self.rearm.notify_one();
        }
    }

    /// The wait is over. The entry stays as the thread's spare one; if nobody takes it over, its
    /// task is woken once for nothing.
    pub(crate) fn remove(&self, key: DeadlineKey) {
        // A thread that ends has no spare any more.
        let former = SPARE.try_with(|spare| match spare.get() {
            Some(other) if other.owner != self.id => Some(key),
            former => {
                spare.set(Some(key));
                former
            }
        });
        if let Some(former) = former.unwrap_or(Some(key)) {
            self.take_out(former);
        }
    }

    fn take_out(&self, key: DeadlineKey) {
        let mut shard = self.shards[key.shard].lock();
        let same = shard
            .entries
            .get(key.entry)
            .is_some_and(|entry| entry.made == key.made);
        let removed = same.then(|| shard.entries.remove(key.entry));
        drop(shard);
        // The waker goes after the lock: with the last waker of a task may go a waiting call.
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
    let mut earliest: Option<Instant> = None;
    let mut gone = Vec::new();
    for (index, entry) in &mut shard.entries {
        match entry.deadline {
            Due::At(deadline) if deadline <= now => {
                due.push(entry.waker.clone());
                entry.deadline = Due::Told;
            }
            Due::At(deadline) => {
                earliest = Some(earliest.map_or(deadline, |earliest| earliest.min(deadline)));
            }
            Due::Told => gone.push(index),
        }
    }
    // Their wakers go with `due`, after the lock.
    due.extend(
        gone.into_iter()
            .map(|index| shard.entries.remove(index).waker),
    );
    shard.earliest = earliest;
    earliest
}

fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    SHARD.get()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    fn entries(deadlines: &Deadlines) -> usize {
        deadlines
            .shards
            .iter()
            .map(|shard| shard.lock().entries.len())
            .sum()
    }

    #[test]
    fn the_next_call_of_a_task_takes_its_entry_over() {
        let (deadlines, now) = (Deadlines::new(), Instant::now());
        let task = Arc::new(Task).into();
        let first = deadlines.insert(now, &task);
        deadlines.remove(first);
        let second = deadlines.insert(now, &task);
        assert_eq!((first.entry, first.made), (second.entry, second.made));
        assert_eq!(entries(&deadlines), 1);
    }

    #[test]
    fn an_entry_that_nobody_takes_over_goes_in_time() {
        let (deadlines, now) = (Deadlines::new(), Instant::now());
        let key = deadlines.insert(now, Waker::noop());
        deadlines.remove(key);
        assert_eq!(deadlines.sweep(now), None);
        let later = now + Duration::from_secs(1);
        deadlines.shards[key.shard].lock().earliest = Some(later);
        assert_eq!(deadlines.sweep(later), None);
        assert_eq!(entries(&deadlines), 0);
        // Its place is another's by now, or nobody's.
        deadlines.remove(key);
        deadlines.insert(later, Waker::noop());
        assert_eq!(entries(&deadlines), 1);
    }

    #[test]
    fn the_spare_entry_of_one_node_is_nothing_to_another() {
        let (one, other, now) = (Deadlines::new(), Deadlines::new(), Instant::now());
        let key = one.insert(now, Waker::noop());
        one.remove(key);
        let key = other.insert(now, Waker::noop());
        other.remove(key);
        assert_eq!((entries(&one), entries(&other)), (1, 0));
    }
}
