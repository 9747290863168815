//! Pure: the seeds, the addresses behind them, and when to try each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use noex_core::{Creation, Peer};
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::proto::backoff::{Backoff, BackoffPolicy};

/// The most addresses behind one seed that are dialled. Whoever answers at one tells of the rest.
pub(super) const ADDRESSES_MAX: usize = 256;

/// How soon an address is due again for which there was no room.
const NO_ROOM_DELAY: Duration = Duration::from_millis(200);

/// The seeds and the addresses behind them. Both are tried for as long as the node runs.
#[derive(Debug)]
pub(crate) struct Discovery {
    seeds: Vec<Seed>,
    addresses: BTreeMap<SocketAddr, Address>,
    interval: Duration,
    policy: BackoffPolicy,
}

#[derive(Debug)]
struct Seed {
    name: Option<String>,
    backoff: Backoff,
    resolve_at: Option<Instant>,
    is_other_name_told: bool,
}

/// An address behind a seed.
#[derive(Debug)]
pub(crate) struct Address {
    seed: usize,
    backoff: Backoff,
    dial_at: Option<Instant>,
    found: Option<Peer>,
}

impl Discovery {
    /// Seeds by the name expected behind each, to be resolved at once and then in this interval.
    pub(crate) fn new(
        names: Vec<Option<String>>,
        interval: Duration,
        policy: BackoffPolicy,
        now: Instant,
    ) -> Self {
        let seed = |name| Seed {
            name,
            backoff: Backoff::new(policy),
            resolve_at: Some(now),
            is_other_name_told: false,
        };
        let seeds = names.into_iter().map(seed).collect();
        Self {
            seeds,
            addresses: BTreeMap::new(),
            interval,
            policy,
        }
    }

    /// The seeds that are due to be resolved; they count as being resolved from now on.
    pub(crate) fn take_due_seeds(&mut self, now: Instant) -> Vec<usize> {
        let is_due = |seed: &mut Seed| seed.resolve_at.take_if(|at| *at <= now).is_some();
        let seeds = self.seeds.iter_mut().enumerate();
        seeds
            .filter_map(|(index, seed)| is_due(seed).then_some(index))
            .collect()
    }

    /// The addresses that are due to be dialled, as many as there is room for; they count as being
    /// dialled from now on.
    pub(crate) fn take_due_addresses(&mut self, now: Instant, room: usize) -> Vec<SocketAddr> {
        let mut due: Vec<SocketAddr> = Vec::new();
        for (at, address) in &mut self.addresses {
            if address.dial_at.is_none_or(|dial_at| dial_at > now) {
                continue;
            }
            if due.len() < room {
                address.dial_at = None;
                due.push(*at);
            } else {
                address.dial_at = Some(now + NO_ROOM_DELAY);
            }
        }
        due
    }

    /// A seed was resolved, or not, if there is no address. It is resolved again later, so that
    /// what appears behind a name is found; what has disappeared from there is dropped.
    pub(crate) fn resolved(
        &mut self,
        seed: usize,
        found: &[SocketAddr],
        now: Instant,
        rng: &mut impl RngExt,
    ) {
        let policy = self.policy;
        let Some(entry) = self.seeds.get_mut(seed) else {
            return;
        };
        if found.is_empty() {
            let delay = entry.backoff.next_delay(rng).min(self.interval);
            entry.resolve_at = Some(now + delay);
            return;
        }
        entry.backoff.reset();
        // Nodes that start together need not ask together ever after.
        let interval = self.interval.mul_f64(rng.random_range(0.9..=1.0));
        entry.resolve_at = Some(now + interval);
        self.addresses
            .retain(|at, address| address.seed != seed || found.contains(at));
        let known = self.addresses.values().filter(|known| known.seed == seed);
        let room = ADDRESSES_MAX.saturating_sub(known.count());
        let is_new = |at: &&SocketAddr| !self.addresses.contains_key(at);
        let mut new: Vec<SocketAddr> = found.iter().filter(is_new).copied().collect();
        new.sort_unstable();
        new.dedup();
        if new.len() > room {
            // Nodes that know different ones of them find each other all the same.
            new.shuffle(rng);
            new.truncate(room);
        }
        let address = |at| {
            let backoff = Backoff::new(policy);
            let address = Address {
                seed,
                backoff,
                dial_at: Some(now),
                found: None,
            };
            (at, address)
        };
        self.addresses.extend(new.into_iter().map(address));
    }

    /// `peer` answered at the address. The name expected there, if it is another one; once for
    /// each seed, however many nodes are behind it.
    pub(crate) fn answered(&mut self, at: SocketAddr, peer: &Peer) -> Option<String> {
        let address = self.addresses.get_mut(&at)?;
        address.found = Some(peer.clone());
        let seed = self.seeds.get_mut(address.seed)?;
        let expected = seed.name.as_ref()?;
        if expected == peer.id.name() || seed.is_other_name_told {
            return None;
        }
        seed.is_other_name_told = true;
        Some(expected.clone())
    }

    /// There is a session with whom we found at the address, or we want none: look again later.
    /// Also if it is ourselves: an address that is shared, such as that of a load balancer, leads
    /// to others as well.
    pub(crate) fn settle(&mut self, at: SocketAddr, now: Instant) {
        if let Some(address) = self.addresses.get_mut(&at) {
            address.backoff.reset();
            address.dial_at = Some(now + self.policy.max);
        }
    }

    /// The dial came to nothing.
    pub(crate) fn failed(&mut self, at: SocketAddr, now: Instant, rng: &mut impl RngExt) {
        if let Some(address) = self.addresses.get_mut(&at) {
            address.dial_at = Some(now + address.backoff.next_delay(rng));
        }
    }

    /// This life of a node is down: whoever comes after it at its addresses is looked for.
    pub(crate) fn lost(&mut self, creation: Creation, now: Instant, rng: &mut impl RngExt) {
        let is_there = |address: &&mut Address| {
            address
                .found
                .as_ref()
                .is_some_and(|found| found.creation == creation)
        };
        for address in self.addresses.values_mut().filter(is_there) {
            if address.dial_at.is_some() {
                address.dial_at = Some(now + address.backoff.next_delay(rng));
            }
        }
    }

    /// Who was found at the address last.
    pub(crate) fn found_at(&self, at: SocketAddr) -> Option<&Peer> {
        self.addresses.get(&at)?.found.as_ref()
    }

    /// Whether there are no seeds.
    pub(crate) const fn is_empty(&self) -> bool {
        self.seeds.is_empty()
    }

    /// When a seed or an address is due.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let seeds = self.seeds.iter().filter_map(|seed| seed.resolve_at);
        seeds
            .chain(
                self.addresses
                    .values()
                    .filter_map(|address| address.dial_at),
            )
            .min()
    }
}

#[cfg(test)]
mod tests {
    use noex_core::NodeId;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    const POLICY: BackoffPolicy = BackoffPolicy {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        jitter: false,
    };

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    /// One seed, which is being resolved.
    fn resolving(now: Instant) -> Discovery {
        let mut discovery = Discovery::new(vec![None], INTERVAL, POLICY, now);
        assert_eq!(discovery.take_due_seeds(now), [0]);
        assert_eq!(discovery.timeout(), None);
        discovery
    }

    #[test]
    fn contract_c03_a_seed_is_resolved_again_and_what_appears_there_is_dialled() {
        let (start, mut rng) = (now(), rng());
        let mut discovery = resolving(start);
        discovery.resolved(0, &[at(1)], start, &mut rng);
        assert_eq!(discovery.take_due_addresses(start, 9), [at(1)]);
        let again = discovery.timeout().unwrap();
        assert!(again >= start + INTERVAL.mul_f64(0.9) && again <= start + INTERVAL);
        assert_eq!(discovery.take_due_seeds(again), [0]);
        discovery.resolved(0, &[at(1), at(2), at(2)], again, &mut rng);
        assert_eq!(discovery.take_due_addresses(again, 9), [at(2)]);
        assert!(discovery.timeout().unwrap() > again);
    }

    #[test]
    fn what_disappears_from_a_seed_is_dialled_no_more() {
        let (start, mut rng) = (now(), rng());
        let mut discovery = resolving(start);
        discovery.resolved(0, &[at(1), at(2)], start, &mut rng);
        discovery.resolved(0, &[at(2)], start, &mut rng);
        assert_eq!(discovery.take_due_addresses(start, 9), [at(2)]);
        discovery.failed(at(1), start, &mut rng);
        let late = start + POLICY.max;
        assert_eq!(discovery.take_due_addresses(late, 9), []);
    }

    #[test]
    fn a_seed_that_tells_nothing_keeps_its_addresses_and_is_asked_within_the_interval() {
        let (start, mut rng) = (now(), rng());
        let mut discovery = resolving(start);
        discovery.resolved(0, &[at(1)], start, &mut rng);
        let mut delays = Vec::new();
        for _ in 0..6 {
            discovery.resolved(0, &[], start, &mut rng);
            let due = discovery.seeds[0].resolve_at.unwrap();
            delays.push((due - start).as_secs());
        }
        assert_eq!(delays, [1, 2, 4, 8, 10, 10]);
        assert_eq!(discovery.take_due_addresses(start, 9), [at(1)]);
    }

    #[test]
    fn no_more_is_dialled_than_there_is_room_for_and_the_rest_is_due_soon() {
        let (start, mut rng) = (now(), rng());
        let mut discovery = resolving(start);
        discovery.resolved(0, &[at(1), at(2), at(3)], start, &mut rng);
        assert_eq!(discovery.take_due_addresses(start, 2), [at(1), at(2)]);
        assert_eq!(discovery.timeout(), Some(start + NO_ROOM_DELAY));
        let soon = start + NO_ROOM_DELAY;
        assert_eq!(discovery.take_due_addresses(soon, 2), [at(3)]);
    }

    #[test]
    fn a_seed_with_very_many_addresses_leads_to_a_part_of_them_which_stays_the_same() {
        let (start, mut rng) = (now(), rng());
        let mut discovery = resolving(start);
        let all: Vec<SocketAddr> = (1..=2_000).map(at).collect();
        discovery.resolved(0, &all, start, &mut rng);
        let chosen: Vec<SocketAddr> = discovery.addresses.keys().copied().collect();
        assert_eq!(chosen.len(), ADDRESSES_MAX);
        assert_ne!(chosen, all[..ADDRESSES_MAX]);
        discovery.resolved(0, &all, start, &mut rng);
        assert!(discovery.addresses.keys().eq(&chosen));
        let some = &chosen[..100];
        discovery.resolved(0, some, start, &mut rng);
        assert!(discovery.addresses.keys().eq(some));
    }

    #[test]
    fn contract_c02_another_name_behind_a_seed_is_told_once() {
        let (start, mut rng) = (now(), rng());
        let names = vec![Some("seed".to_owned())];
        let mut discovery = Discovery::new(names, INTERVAL, POLICY, start);
        discovery.resolved(0, &[at(1), at(2), at(3)], start, &mut rng);
        let peer = |name, port| {
            let id = NodeId::new(name, "127.0.0.1", port).unwrap();
            Peer::new(id, Creation::from_bits(u64::from(port)))
        };
        assert_eq!(discovery.answered(at(1), &peer("seed", 1)), None);
        let expected = Some("seed".to_owned());
        assert_eq!(discovery.answered(at(2), &peer("other", 2)), expected);
        assert_eq!(discovery.answered(at(2), &peer("other", 2)), None);
        assert_eq!(discovery.answered(at(3), &peer("third", 3)), None);
        assert_eq!(discovery.found_at(at(3)), Some(&peer("third", 3)));
    }

    #[test]
    fn contract_c08_an_address_that_does_not_answer_is_dialled_for_ever() {
        let (mut time, mut rng) = (now(), rng());
        let mut discovery = resolving(time);
        discovery.resolved(0, &[at(1)], time, &mut rng);
        for attempt in 0..100 {
            assert_eq!(discovery.take_due_addresses(time, 9), [at(1)], "{attempt}");
            discovery.failed(at(1), time, &mut rng);
            time += POLICY.max;
        }
    }
}
