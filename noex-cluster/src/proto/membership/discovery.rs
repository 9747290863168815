//! Pure: the seeds, the addresses behind them, and when to try each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use noex_core::{Creation, Peer};
use rand::RngExt;

use crate::proto::backoff::{Backoff, BackoffPolicy};

/// The seeds and the addresses behind them. Both are tried for as long as the node runs.
#[derive(Debug)]
pub(crate) struct Discovery {
    seeds: Vec<Seed>,
    addresses: BTreeMap<SocketAddr, Address>,
    policy: BackoffPolicy,
}

#[derive(Debug)]
struct Seed {
    name: Option<String>,
    backoff: Backoff,
    resolve_at: Option<Instant>,
}

/// An address behind a seed.
#[derive(Debug)]
pub(crate) struct Address {
    seed: usize,
    backoff: Backoff,
    dial_at: Option<Instant>,
    found: Option<Peer>,
    is_other_name_told: bool,
}

impl Discovery {
    /// Seeds by the name expected behind each, to be resolved at once.
    pub(crate) fn new(names: Vec<Option<String>>, policy: BackoffPolicy, now: Instant) -> Self {
        let seed = |name| Seed {
            name,
            backoff: Backoff::new(policy),
            resolve_at: Some(now),
        };
        let seeds = names.into_iter().map(seed).collect();
        Self {
            seeds,
            addresses: BTreeMap::new(),
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

    /// The addresses that are due to be dialled; they count as being dialled from now on.
    pub(crate) fn take_due_addresses(&mut self, now: Instant) -> Vec<SocketAddr> {
        let is_due = |address: &mut Address| address.dial_at.take_if(|at| *at <= now).is_some();
        let addresses = self.addresses.iter_mut();
        addresses
            .filter_map(|(at, address)| is_due(address).then_some(*at))
            .collect()
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
            entry.resolve_at = Some(now + entry.backoff.next_delay(rng));
            return;
        }
        entry.backoff.reset();
        entry.resolve_at = Some(now + policy.max);
        self.addresses
            .retain(|at, address| address.seed != seed || found.contains(at));
        for at in found {
            self.addresses.entry(*at).or_insert_with(|| Address {
                seed,
                backoff: Backoff::new(policy),
                dial_at: Some(now),
                found: None,
                is_other_name_told: false,
            });
        }
    }

    /// `peer` answered at the address. The name expected there, if it is another one and that
    /// was not told before.
    pub(crate) fn answered(&mut self, at: SocketAddr, peer: &Peer) -> Option<String> {
        let address = self.addresses.get_mut(&at)?;
        address.found = Some(peer.clone());
        let expected = self.seeds.get(address.seed)?.name.as_ref()?;
        if expected == peer.id.name() || address.is_other_name_told {
            return None;
        }
        address.is_other_name_told = true;
        Some(expected.clone())
    }

    /// We ourselves are behind the address: it is not dialled again.
    pub(crate) fn set_own(&mut self, at: SocketAddr) {
        if let Some(address) = self.addresses.get_mut(&at) {
            address.dial_at = None;
        }
    }

    /// There is a session with whom we found at the address, or we want none: look again later.
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
