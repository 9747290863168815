//! `Timers`: posts to processes what is due.
//!
//! One task sleeps until the earliest timer of the node. It posts by itself, so that a timer's
//! message takes its place in the mailbox at its time, however long its process is busy.

use std::any::Any;
use std::fmt;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::queue::TimerQueue;
use crate::id::{Pid, TimerRef};
use crate::mailbox::Info;
use crate::process::AnyProcess;

/// What a timer does when it is due.
pub(crate) struct Alarm {
    pub(crate) to: Weak<dyn AnyProcess>,
    /// What is posted; without it the timer's own number.
    pub(crate) message: Option<Box<dyn Any + Send>>,
}

impl Alarm {
    fn ring(self, timer: TimerRef) {
        // Who has ended is told nothing.
        if let Some(process) = self.to.upgrade() {
            let message = self.message.map(Info::Other);
            process.post(message.unwrap_or(Info::Timer(timer)));
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}

#[derive(Debug)]
pub(crate) struct Timers {
    queue: Mutex<TimerQueue<Alarm>>,
    /// Whether there ever was one: ends of processes then look for theirs.
    used: AtomicBool,
    rearm: Notify,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::new(TimerQueue::new()),
            used: AtomicBool::new(false),
            rearm: Notify::new(),
        }
    }

    pub(crate) fn start(&self, owner: Pid, at: Instant, alarm: Alarm) -> TimerRef {
        self.used.store(true, Ordering::Release);
        self.change(|queue| queue.insert(owner, at.into_std(), alarm))
    }

    pub(crate) fn restart(&self, owner: Pid, timer: TimerRef, at: Instant, alarm: Alarm) {
        self.change(|queue| queue.insert_again(owner, timer, at.into_std(), alarm));
    }

    fn change<R>(&self, change: impl FnOnce(&mut TimerQueue<Alarm>) -> R) -> R {
        let mut queue = self.queue.lock();
        let next = queue.poll_timeout();
        let changed = change(&mut queue);
        let earlier = queue.poll_timeout() != next;
        drop(queue);
        if earlier {
            self.rearm.notify_one();
        }
        changed
    }

    /// When it would have been due.
    pub(crate) fn cancel(&self, owner: Pid, timer: TimerRef) -> Option<Instant> {
        // What it would have posted goes after the lock.
        let removed = self.queue.lock().remove(owner, timer);
        removed.map(|(at, _)| Instant::from_std(at))
    }

    /// When it is due.
    pub(crate) fn due_at(&self, owner: Pid, timer: TimerRef) -> Option<Instant> {
        let at = self.queue.lock().due_at(owner, timer);
        at.map(Instant::from_std)
    }

    /// Forgets the timers of a process that has ended.
    pub(crate) fn forget(&self, owner: Pid) {
        if self.used.load(Ordering::Acquire) {
            let gone = self.queue.lock().remove_all(owner);
            drop(gone);
        }
    }

    /// The task. Runs as long as the node.
    pub(crate) async fn run(&self) {
        loop {
            let now = Instant::now().into_std();
            // One lock for each: whatever is posted, and whoever wakes by it, stays outside.
            while let Some((timer, alarm)) = self.poll_due(now) {
                alarm.ring(timer);
            }
            let next = self.queue.lock().poll_timeout();
            let Some(next) = next else {
                self.rearm.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(Instant::from_std(next)) => {}
                () = self.rearm.notified() => {}
            }
        }
    }

    fn poll_due(&self, now: std::time::Instant) -> Option<(TimerRef, Alarm)> {
        self.queue.lock().poll_due(now)
    }
}
