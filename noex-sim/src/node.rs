//! `Node`: one host with at most one process on it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_cluster::sim::{Facts, Input, Machine, Record, Standing, Who};
use noex_core::{Creation, NodeId, Peer};

use crate::connection::EndIndex;
use crate::time::At;
use crate::truth::LifeIndex;
use crate::world::Sent;

/// One host with at most one process on it.
#[derive(Debug)]
pub(crate) struct Node {
    pub peer: Peer,
    pub life: LifeIndex,
    /// Its first incarnation.
    pub incarnation: u64,
    pub machine: Machine,
    pub condition: Condition,
    /// When its machine has asked to be woken.
    pub timer_at: Option<At>,
    /// What came while it was paused.
    pub inbox: Vec<Input>,
    /// How fast its clock runs.
    pub rate: f64,
    pub ends: BTreeSet<EndIndex>,
    /// Whom it holds for up, a bit for each life.
    pub view: Vec<u64>,
    pub sent: Sent,
    /// Its neighbours with whom there is a session.
    pub neighbours: Vec<LifeIndex>,
    pub facts: Facts,
}

/// What a process is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Running,
    Paused,
    Ended,
}

impl Node {
    /// The moment by the node's own clock.
    pub(crate) fn local(&self, base: Instant, at: At) -> Instant {
        base + scaled(at.elapsed(), self.rate)
    }

    /// When the node's clock will show this.
    pub(crate) fn global(&self, base: Instant, local: Instant) -> At {
        let elapsed = local.saturating_duration_since(base);
        // Not a nanosecond too early, or its machine would ask to be woken again at once.
        let mut at = At::START + scaled(elapsed, 1.0 / self.rate);
        while self.local(base, at) < local {
            at = at + Duration::from_nanos(1);
        }
        at
    }

    /// What others are told of it when it has just started.
    pub(crate) fn record(&self) -> Record {
        Record {
            who: Arc::new(Who {
                peer: self.peer.clone(),
                key: key_of(self.peer.creation),
            }),
            incarnation: self.incarnation,
            standing: Standing::Up,
        }
    }

    pub(crate) fn holds(&self, life: LifeIndex) -> bool {
        let (word, bit) = (life.0 as usize / 64, life.0 % 64);
        self.view.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }

    /// Notes whether a life is up, and tells whether it was.
    pub(crate) fn note(&mut self, life: LifeIndex, is_up: bool) -> bool {
        let (word, bit) = (life.0 as usize / 64, life.0 % 64);
        if self.view.len() <= word {
            self.view.resize(word + 1, 0);
        }
        let was_up = self.view[word] >> bit & 1 == 1;
        if is_up {
            self.view[word] |= 1 << bit;
        } else {
            self.view[word] &= !(1 << bit);
        }
        was_up
    }

    /// Whom it holds for up.
    pub(crate) fn held(&self) -> Vec<LifeIndex> {
        let lives = 0..u32::try_from(64 * self.view.len()).expect("a life's index fits");
        lives
            .map(LifeIndex)
            .filter(|life| self.holds(*life))
            .collect()
    }
}

fn scaled(duration: Duration, rate: f64) -> Duration {
    if rate == 1.0 {
        return duration;
    }
    duration.mul_f64(rate)
}

/// The identity of the node on a host.
pub(crate) fn id_of(host: usize) -> NodeId {
    NodeId::new("n", "127.0.0.1", port_of(host)).expect("it is well-formed")
}

/// The address of a host.
pub(crate) fn address_of(host: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port_of(host)))
}

/// The host of a node.
pub(crate) fn host_of(port: u16) -> usize {
    usize::from(port - 1_000)
}

/// The static key of a life.
pub(crate) fn key_of(creation: Creation) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&creation.bits().to_be_bytes());
    key
}

fn port_of(host: usize) -> u16 {
    1_000 + u16::try_from(host).expect("there are fewer than 64,000 hosts")
}
