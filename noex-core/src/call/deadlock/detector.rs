//! Pure: `Detector`, when to look for deadlocks, and which of them are true.
//!
//! Calls come and go while they are looked at. So a circle is suspected when it is found, and
//! believed if the very same calls make it when they are looked at again, `AGE` later: each of
//! them has waited as long by then, and while they all waited nothing could have ended them.
//! Nothing is looked at unless calls began since.

use std::time::{Duration, Instant};

use super::cycles::{self, Cycle, Edge};

/// How old the calls are that are looked at.
pub(super) const AGE: Duration = Duration::from_millis(100);

/// A look takes no more than this part of all time.
const SHARE: u32 = 50;

#[derive(Debug)]
pub(super) struct Detector<C> {
    suspected: Vec<Cycle<C>>,
    /// These were believed; each is told of once.
    believed: Vec<Cycle<C>>,
    next: Option<Instant>,
    /// No look comes before.
    not_before: Option<Instant>,
}

impl<C: Copy + Ord> Detector<C> {
    pub(super) const fn new() -> Self {
        Self {
            suspected: Vec::new(),
            believed: Vec::new(),
            next: None,
            not_before: None,
        }
    }

    /// Calls began.
    pub(super) fn handle_calls(&mut self, now: Instant) {
        let next = *self.next.get_or_insert(now + AGE);
        self.next = Some(
            self.not_before
                .map_or(next, |not_before| next.max(not_before)),
        );
    }

    /// All calls that wait, looked at from `now` on for a time of `took`. The deadlocks that were
    /// not believed before.
    pub(super) fn handle_edges(
        &mut self,
        edges: Vec<Edge<C>>,
        now: Instant,
        took: Duration,
    ) -> Vec<Cycle<C>> {
        let found = cycles::find(edges);
        self.believed.retain(|cycle| found.contains(cycle));
        let is_new = |cycle: &Cycle<C>| !self.believed.contains(cycle);
        let (confirmed, suspected): (Vec<_>, Vec<_>) = found
            .into_iter()
            .filter(is_new)
            .partition(|cycle| self.suspected.contains(cycle));
        self.believed.extend(confirmed.iter().cloned());
        let pause = AGE.max(took.saturating_mul(SHARE));
        self.not_before = Some(now + pause);
        self.next = (!suspected.is_empty()).then(|| now + pause);
        self.suspected = suspected;
        confirmed
    }

    /// When to look next.
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// 1 and 2 call each other, the second time with the call `second`.
    fn circle(second: u32) -> Vec<Edge<u32>> {
        let edge = |call, caller, callee| Edge {
            call,
            caller,
            callee,
        };
        vec![edge(1, 1, 2), edge(second, 2, 1)]
    }

    fn look(detector: &mut Detector<u32>, edges: Vec<Edge<u32>>, now: Instant) -> Vec<Cycle<u32>> {
        detector.handle_edges(edges, now, Duration::ZERO)
    }

    #[test]
    fn a_circle_that_is_seen_twice_is_told_of_once() {
        let (mut detector, mut now) = (Detector::new(), begin());
        assert_eq!(detector.poll_timeout(), None);
        detector.handle_calls(now);
        now += AGE;
        assert_eq!(detector.poll_timeout(), Some(now));
        assert!(look(&mut detector, circle(2), now).is_empty());
        now += AGE;
        assert_eq!(detector.poll_timeout(), Some(now), "it is to be confirmed");
        assert_eq!(look(&mut detector, circle(2), now), [circle(2)]);
        assert_eq!(detector.poll_timeout(), None);
        assert!(look(&mut detector, circle(2), now + AGE).is_empty());
        assert_eq!(detector.poll_timeout(), None, "nothing is left to confirm");
    }

    #[test]
    fn other_calls_of_the_same_processes_are_another_circle() {
        let (mut detector, now) = (Detector::new(), begin());
        assert!(look(&mut detector, circle(2), now).is_empty());
        assert!(look(&mut detector, circle(3), now + AGE).is_empty());
        assert_eq!(look(&mut detector, circle(3), now + 2 * AGE), [circle(3)]);
    }

    #[test]
    fn a_circle_that_was_gone_is_suspected_anew() {
        let (mut detector, now) = (Detector::new(), begin());
        look(&mut detector, circle(2), now);
        look(&mut detector, Vec::new(), now + AGE);
        assert!(look(&mut detector, circle(2), now + 2 * AGE).is_empty());
    }

    #[test]
    fn looks_that_take_long_are_seldom() {
        let (mut detector, now) = (Detector::<u32>::new(), begin());
        detector.handle_edges(Vec::new(), now, AGE);
        assert_eq!(detector.poll_timeout(), None);
        detector.handle_calls(now + AGE);
        detector.handle_calls(now + 2 * AGE);
        assert_eq!(detector.poll_timeout(), Some(now + SHARE * AGE));
    }
}
