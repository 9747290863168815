//! Pure: which timers are due, whose they are, and when the next one is due.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::id::{Pid, TimerRef};

/// The running timers of a node, each with a value that is wanted when it is due.
#[derive(Debug)]
pub(super) struct TimerQueue<T> {
    made: u64,
    due: BTreeMap<(Instant, TimerRef), (Pid, T)>,
    owned: BTreeMap<(Pid, TimerRef), Instant>,
}

impl<T> TimerQueue<T> {
    pub(super) const fn new() -> Self {
        Self {
            made: 0,
            due: BTreeMap::new(),
            owned: BTreeMap::new(),
        }
    }

    /// A new timer of `owner`.
    pub(super) fn insert(&mut self, owner: Pid, at: Instant, value: T) -> TimerRef {
        self.made += 1;
        let timer = TimerRef::from_bits(self.made);
        self.insert_again(owner, timer, at, value);
        timer
    }

    /// A timer that was due runs again.
    pub(super) fn insert_again(&mut self, owner: Pid, timer: TimerRef, at: Instant, value: T) {
        if let Some(before) = self.owned.insert((owner, timer), at) {
            self.due.remove(&(before, timer));
        }
        self.due.insert((at, timer), (owner, value));
    }

    /// Takes a timer out, if it runs and is `owner`'s.
    pub(super) fn remove(&mut self, owner: Pid, timer: TimerRef) -> Option<(Instant, T)> {
        let at = self.owned.remove(&(owner, timer))?;
        let (_, value) = self.due.remove(&(at, timer))?;
        Some((at, value))
    }

    /// Takes all timers of `owner` out.
    pub(super) fn remove_all(&mut self, owner: Pid) -> Vec<T> {
        let every = (owner, TimerRef::from_bits(0))..=(owner, TimerRef::from_bits(u64::MAX));
        let gone: Vec<_> = self.owned.range(every).map(|(key, _)| key.1).collect();
        let gone = gone.into_iter();
        gone.filter_map(|timer| self.remove(owner, timer).map(|(_, value)| value))
            .collect()
    }

    /// Takes out one timer that is due, the earliest first; equals in the order of their making.
    pub(super) fn poll_due(&mut self, now: Instant) -> Option<(TimerRef, T)> {
        let first = self
            .due
            .first_entry()
            .filter(|entry| entry.key().0 <= now)?;
        let ((_, timer), (owner, value)) = first.remove_entry();
        self.owned.remove(&(owner, timer));
        Some((timer, value))
    }

    pub(super) fn due_at(&self, owner: Pid, timer: TimerRef) -> Option<Instant> {
        self.owned.get(&(owner, timer)).copied()
    }

    /// When the next one is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::id::Creation;

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn setting() -> (TimerQueue<&'static str>, Instant, [Pid; 2]) {
        let pids = [1, 2].map(|serial| Pid::new(Creation::from_bits(7), serial));
        (TimerQueue::new(), Instant::now(), pids)
    }

    fn drain(queue: &mut TimerQueue<&'static str>, now: Instant) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.poll_due(now).map(|(_, value)| value)).collect()
    }

    #[test]
    fn timers_are_due_in_the_order_of_their_times_and_equals_as_they_were_made() {
        let (mut queue, now, [one, two]) = setting();
        let second = Duration::from_secs(1);
        queue.insert(one, now + 2 * second, "late");
        queue.insert(two, now + second, "first");
        queue.insert(one, now + second, "second");
        assert_eq!(drain(&mut queue, now), [""; 0]);
        assert_eq!(queue.poll_timeout(), Some(now + second));
        assert_eq!(drain(&mut queue, now + second), ["first", "second"]);
        assert_eq!(queue.poll_timeout(), Some(now + 2 * second));
        assert_eq!(drain(&mut queue, now + 3 * second), ["late"]);
        assert_eq!((queue.poll_timeout(), queue.owned.len()), (None, 0));
    }

    #[test]
    fn only_its_owner_can_take_a_timer_back_and_only_once() {
        let (mut queue, now, [one, two]) = setting();
        let timer = queue.insert(one, now, "its");
        assert_eq!(queue.remove(two, timer), None);
        assert_eq!(queue.due_at(one, timer), Some(now));
        assert_eq!(queue.remove(one, timer), Some((now, "its")));
        assert_eq!(queue.remove(one, timer), None);
        assert_eq!(drain(&mut queue, now), [""; 0]);
    }

    #[test]
    fn a_timer_that_runs_again_is_due_at_its_last_time_alone() {
        let (mut queue, now, [one, _]) = setting();
        let timer = queue.insert(one, now, "once");
        queue.insert_again(one, timer, now + Duration::from_secs(1), "again");
        assert_eq!(drain(&mut queue, now), [""; 0]);
        assert_eq!(drain(&mut queue, now + Duration::from_secs(1)), ["again"]);
    }

    #[test]
    fn all_timers_of_an_owner_go_with_it() {
        let (mut queue, now, [one, two]) = setting();
        queue.insert(one, now, "a");
        queue.insert(two, now, "kept");
        queue.insert(one, now, "b");
        assert_eq!(queue.remove_all(one), ["a", "b"]);
        assert_eq!(drain(&mut queue, now), ["kept"]);
    }
}
