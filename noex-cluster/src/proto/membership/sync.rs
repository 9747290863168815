//! Pure: whether two nodes hold the same members for up, and when to find out.

use std::time::{Duration, Instant};

use super::message::Life;
use super::rings::mix;

/// How often a digest goes to a random neighbour.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often it does where two parts of a cluster have just met.
const HASTE_INTERVAL: Duration = Duration::from_millis(300);

/// How long such haste lasts.
const HASTE: Duration = Duration::from_secs(3);

/// A view that has not changed for so long is not about to.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// The summary of the view, and when it was changed.
#[derive(Debug)]
pub(super) struct Sync {
    view: u64,
    changed_at: Instant,
    hasty_until: Option<Instant>,
    next_at: Instant,
}

impl Sync {
    /// A view without anybody.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            view: 0,
            changed_at: now,
            hasty_until: None,
            next_at: now,
        }
    }

    /// A life at its incarnation comes into the view, or goes from it.
    pub(super) const fn toggle(&mut self, life: Life) {
        self.view ^= mix(life.creation.bits() ^ mix(life.incarnation));
    }

    /// The view has changed.
    pub(super) const fn changed(&mut self, now: Instant) {
        self.changed_at = now;
    }

    /// Somebody who was down has come back: two parts of the cluster may have met.
    pub(super) fn returned(&mut self, now: Instant) {
        self.hasty_until = Some(now + HASTE);
        self.next_at = self.next_at.min(now + HASTE_INTERVAL);
    }

    /// Whether a digest is due; the next one is due later.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        if now < self.next_at {
            return false;
        }
        let is_hasty = self.is_hasty(now);
        self.next_at = now + if is_hasty { HASTE_INTERVAL } else { INTERVAL };
        true
    }

    /// The summary.
    pub(super) const fn view(&self) -> u64 {
        self.view
    }

    /// Whether a difference to another settled view is to be acted on.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.changed_at);
        age >= SETTLED_AFTER || self.is_hasty(now)
    }

    /// When the next digest is due.
    pub(super) const fn timeout(&self) -> Instant {
        self.next_at
    }

    fn is_hasty(&self, now: Instant) -> bool {
        self.hasty_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use noex_core::Creation;

    use super::*;

    fn life(creation: u64, incarnation: u64) -> Life {
        Life {
            creation: Creation::from_bits(creation),
            incarnation,
        }
    }

    #[test]
    fn views_are_equal_whatever_the_order_and_differ_by_an_incarnation() {
        let now = tokio::time::Instant::now().into_std();
        let view = |lives: &[Life]| {
            let mut sync = Sync::new(now);
            lives.iter().for_each(|life| sync.toggle(*life));
            sync.view()
        };
        let forwards = view(&[life(1, 0), life(2, 5)]);
        assert_eq!(forwards, view(&[life(2, 5), life(1, 0)]));
        assert_ne!(forwards, view(&[life(1, 5), life(2, 0)]));
        assert_ne!(forwards, view(&[life(1, 0), life(2, 6)]));
        assert_eq!(view(&[life(1, 0), life(1, 0)]), view(&[]));
    }

    #[test]
    fn a_view_that_just_changed_is_not_settled_unless_two_parts_have_met() {
        let now = tokio::time::Instant::now().into_std();
        let mut sync = Sync::new(now);
        assert!(!sync.is_settled(now));
        assert!(sync.is_settled(now + SETTLED_AFTER));
        sync.changed(now + SETTLED_AFTER);
        assert!(!sync.is_settled(now + SETTLED_AFTER));
        sync.returned(now + SETTLED_AFTER);
        assert!(sync.is_settled(now + SETTLED_AFTER));
    }
}
