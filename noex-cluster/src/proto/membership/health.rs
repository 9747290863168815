//! Pure: how far a node trusts its own ears.
//!
//! After Lifeguard (Dadgar et al., 2018): who accuses the living is likely to be sick itself.

use std::time::{Duration, Instant};

/// The highest score.
const SCORE_MAX: u32 = 8;

/// A node with this score or a higher one keeps its votes to itself.
const SICK: u32 = 4;

/// How long it takes for the score to fall by one.
const EASE: Duration = Duration::from_secs(5);

/// A count of wrong accusations, which fades.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Health {
    score: u32,
    eased_at: Instant,
}

impl Health {
    /// A node that is well.
    pub(crate) const fn new(now: Instant) -> Self {
        let (score, eased_at) = (0, now);
        Self { score, eased_at }
    }

    /// An accusation of ours was wrong.
    pub(crate) fn worsen(&mut self, now: Instant) {
        let score = self.score(now);
        if score == 0 {
            self.eased_at = now;
        }
        self.score = (score + 1).min(SCORE_MAX);
    }

    /// The score of this moment.
    pub(crate) fn score(&mut self, now: Instant) -> u32 {
        while self.score > 0 && now.saturating_duration_since(self.eased_at) >= EASE {
            self.score -= 1;
            self.eased_at += EASE;
        }
        self.score
    }

    /// Whether what we do not hear says more about us than about others.
    pub(crate) fn is_sick(&mut self, now: Instant) -> bool {
        self.score(now) >= SICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    #[test]
    fn four_wrong_accusations_make_a_node_sick_and_time_heals_it() {
        let mut at = now();
        let mut health = Health::new(at);
        for _ in 0..4 {
            assert!(!health.is_sick(at));
            health.worsen(at);
        }
        assert!(health.is_sick(at));
        at += EASE;
        assert!(!health.is_sick(at));
        at += 3 * EASE;
        assert_eq!(health.score(at), 0);
    }

    #[test]
    fn the_score_has_a_limit() {
        let at = now();
        let mut health = Health::new(at);
        for _ in 0..100 {
            health.worsen(at);
        }
        assert_eq!(health.score(at), SCORE_MAX);
    }
}
