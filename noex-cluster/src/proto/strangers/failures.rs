//! Pure: `Failures`, the networks whose handshakes failed of late, and who of them is slowed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::network::Network;

/// How long a failure is remembered.
const MEMORY: Duration = Duration::from_mins(1);

/// As many failures in that time are nobody's fault: a member that has several secrets tries one
/// after the other.
const INNOCENT_MAX: u32 = 8;

/// How long a connection of a network with more failures waits before it is heard. With this a
/// network gets at most as many answers in a second as there are guests, times four; and a member
/// that shares its address with somebody who fails all the time is still heard soon enough.
const DELAY: Duration = Duration::from_millis(250);

/// The most networks that are remembered; beyond them the one is forgotten that failed least
/// recently.
const NETWORKS_MAX: usize = 1_024;

/// The networks whose handshakes failed of late.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    networks: BTreeMap<Network, Failed>,
}

#[derive(Debug, Clone, Copy)]
struct Failed {
    count: u32,
    /// When it failed last.
    at: Instant,
    /// Whether somebody of this network has proved to know the secret since.
    is_redeemed: bool,
}

impl Failures {
    /// A handshake with somebody of this network failed.
    pub(crate) fn failed(&mut self, network: Network, now: Instant) {
        self.networks.retain(|_, failed| !failed.is_old(now));
        if !self.networks.contains_key(&network) && self.networks.len() >= NETWORKS_MAX {
            self.forget_oldest();
        }
        let failed = self.networks.entry(network).or_insert(Failed {
            count: 0,
            at: now,
            is_redeemed: false,
        });
        *failed = Failed {
            count: failed.count.saturating_add(1),
            at: now,
            is_redeemed: false,
        };
    }

    /// Somebody of this network has proved to know the secret. What failed before is forgiven:
    /// it was most likely the same one, with another of its secrets.
    pub(crate) fn succeeded(&mut self, network: Network) {
        if let Some(failed) = self.networks.get_mut(&network) {
            (failed.count, failed.is_redeemed) = (0, true);
        }
    }

    /// Whether somebody of this network has proved to know the secret since it failed last.
    pub(crate) fn is_redeemed(&self, network: Network) -> bool {
        let failed = self.networks.get(&network);
        failed.is_some_and(|failed| failed.is_redeemed)
    }

    /// How long a connection from this network waits before it is heard.
    pub(crate) fn delay(&self, network: Network, now: Instant) -> Duration {
        match self.networks.get(&network) {
            Some(failed) if failed.count > INNOCENT_MAX && !failed.is_old(now) => DELAY,
            Some(_) | None => Duration::ZERO,
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.networks.iter().min_by_key(|(_, failed)| failed.at);
        if let Some((&oldest, _)) = oldest {
            self.networks.remove(&oldest);
        }
    }
}

impl Failed {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= MEMORY
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(number: u16) -> Network {
        let [high, low] = number.to_be_bytes();
        IpAddr::from([10, 0, high, low]).into()
    }

    #[test]
    fn who_fails_often_waits_until_it_has_not_failed_for_long() {
        let mut failures = Failures::default();
        let now = tokio::time::Instant::now().into_std();
        for _ in 0..INNOCENT_MAX {
            failures.failed(network(1), now);
        }
        assert_eq!(failures.delay(network(1), now), Duration::ZERO);
        failures.failed(network(1), now);
        assert_eq!(failures.delay(network(1), now), DELAY);
        assert_eq!(failures.delay(network(2), now), Duration::ZERO);
        assert_eq!(failures.delay(network(1), now + MEMORY), Duration::ZERO);
    }

    #[test]
    fn who_succeeds_after_failures_is_redeemed_until_the_next_one() {
        let mut failures = Failures::default();
        let now = tokio::time::Instant::now().into_std();
        failures.succeeded(network(1));
        assert!(!failures.is_redeemed(network(1)));
        for _ in 0..=INNOCENT_MAX {
            failures.failed(network(1), now);
        }
        assert!(!failures.is_redeemed(network(1)));
        failures.succeeded(network(1));
        assert!(failures.is_redeemed(network(1)));
        assert_eq!(failures.delay(network(1), now), Duration::ZERO);
        failures.failed(network(1), now);
        assert!(!failures.is_redeemed(network(1)));
    }

    #[test]
    fn no_number_of_networks_takes_more_room() {
        let mut failures = Failures::default();
        let now = tokio::time::Instant::now().into_std();
        for number in 0..u16::try_from(2 * NETWORKS_MAX).unwrap() {
            let later = now + Duration::from_millis(number.into());
            failures.failed(network(number), later);
        }
        assert_eq!(failures.networks.len(), NETWORKS_MAX);
        assert!(!failures.networks.contains_key(&network(0)));
        failures.failed(network(1), now + 2 * MEMORY);
        assert_eq!(failures.networks.len(), 1);
    }
}
