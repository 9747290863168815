//! Pure: what a node keeps of its neighbours on the rings, and how it watches those it observes.

use std::time::{Duration, Instant};

use super::message::Cause;

/// How often the patience with a subject may double.
const PENALTY_MAX: u32 = 3;

/// How long it takes for the patience to halve again.
const EASE: Duration = Duration::from_secs(30);

/// A member with whom a session is kept.
#[derive(Debug, Clone)]
pub(super) struct Neighbour {
    /// It hears our heartbeats.
    pub is_observer: bool,
    /// We hear its heartbeats.
    pub watch: Option<Watch>,
}

/// How a subject is watched.
///
/// ```text
/// Quiet ──silent for (M−1)·I──▶ Asking ──still silent 0.3·I later──▶ Accusing
///   ▲                             │                                     │
///   └────────heard of─────────────┴────────heard of, or it refuted──────┘
/// ```
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// Its silence counts from here, or from when its session brought something, if that is later.
    pub since: Instant,
    /// How far it has come.
    pub phase: Phase,
    /// When to look at it again.
    pub due: Instant,
    /// Since when we watch it in place of others that went down, if it was not heard of since.
    pub adopted_at: Option<Instant>,
    penalty: u32,
    eased_at: Instant,
}

/// How far the watch over a subject has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is heard of.
    Quiet,
    /// It and others were asked.
    Asking {
        /// When to vote against it.
        vote_at: Instant,
        /// What the vote will say.
        cause: Cause,
        /// Whether somebody else has not heard of it either, or there is nobody to ask.
        is_confirmed: bool,
    },
    /// We voted against it.
    Accusing {
        /// When to vote again, if that came to nothing.
        again_at: Instant,
        /// Whether the others were told.
        is_told: bool,
    },
}

impl Phase {
    /// Whether the others were told of our vote.
    pub(super) const fn is_told(self) -> bool {
        matches!(self, Self::Accusing { is_told: true, .. })
    }
}

impl Watch {
    /// Watches from now on.
    pub(super) const fn new(now: Instant, due: Instant) -> Self {
        Self {
            since: now,
            phase: Phase::Quiet,
            due,
            adopted_at: None,
            penalty: 0,
            eased_at: now,
        }
    }

    /// Watches in place of others that went down, from now on.
    pub(super) const fn adopting(now: Instant) -> Self {
        let mut watch = Self::new(now, now);
        watch.adopted_at = Some(now);
        watch
    }

    /// It was heard of.
    pub(super) const fn clear(&mut self, now: Instant) {
        self.since = now;
        self.phase = Phase::Quiet;
        self.adopted_at = None;
    }

    /// We accused it, and were wrong.
    pub(super) fn refuted(&mut self, now: Instant) {
        let penalty = self.penalty(now);
        if penalty == 0 {
            self.eased_at = now;
        }
        self.penalty = (penalty + 1).min(PENALTY_MAX);
    }

    /// How often our patience with it has doubled.
    pub(super) fn penalty(&mut self, now: Instant) -> u32 {
        while self.penalty > 0 && now.saturating_duration_since(self.eased_at) >= EASE {
            self.penalty -= 1;
            self.eased_at += EASE;
        }
        self.penalty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_each_refutation_up_to_a_limit_and_shrinks_with_time() {
        let now = tokio::time::Instant::now().into_std();
        let mut watch = Watch::new(now, now);
        for expected in [1, 2, 3, 3] {
            watch.refuted(now);
            assert_eq!(watch.penalty(now), expected);
        }
        assert_eq!(watch.penalty(now + EASE), 2);
        assert_eq!(watch.penalty(now + 4 * EASE), 0);
    }
}
