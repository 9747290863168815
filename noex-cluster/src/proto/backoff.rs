//! Pure: how long to wait before the next attempt.

use std::time::Duration;

use rand::RngExt;

/// How attempts to reach a node are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "of other crates, the simulator alone sees it"
)]
pub struct BackoffPolicy {
    /// The delay after the first failure; it doubles with each further one.
    pub base: Duration,
    /// The longest delay.
    pub max: Duration,
    /// Whether each delay is drawn between nothing and its full length.
    pub jitter: bool,
}

/// The attempts to reach one node: each failure doubles the delay, a success starts over.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
}

impl Backoff {
    /// No attempt has failed yet.
    pub(crate) const fn new(policy: BackoffPolicy) -> Self {
        Self {
            policy,
            failures: 0,
        }
    }

    /// An attempt failed: the delay before the next one.
    pub(crate) fn next_delay(&mut self, rng: &mut impl RngExt) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures);
        let full = self.policy.base.saturating_mul(factor).min(self.policy.max);
        self.failures = self.failures.saturating_add(1);
        if self.policy.jitter {
            full.mul_f64(rng.random_range(0.0..=1.0))
        } else {
            full
        }
    }

    /// An attempt succeeded.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const POLICY: BackoffPolicy = BackoffPolicy {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        jitter: false,
    };

    #[test]
    fn contract_c30_delays_double_up_to_the_longest_and_start_over_after_a_success() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::new(POLICY);
        let delays: Vec<u64> = (0..8)
            .map(|_| backoff.next_delay(&mut rng).as_secs())
            .collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.next_delay(&mut rng), Duration::from_secs(1));
    }

    #[test]
    fn jitter_shortens_a_delay_and_never_lengthens_it() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut backoff = Backoff::new(BackoffPolicy {
            jitter: true,
            ..POLICY
        });
        for full in [1, 2, 4, 8, 16, 30, 30] {
            assert!(backoff.next_delay(&mut rng) <= Duration::from_secs(full));
        }
    }

    #[test]
    fn the_delay_stays_at_its_longest_after_any_number_of_failures() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut backoff = Backoff::new(POLICY);
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next_delay(&mut rng), POLICY.max);
    }
}
