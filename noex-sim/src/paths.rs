//! The paths between hosts: which are cut, clogged or lossy.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

/// The first retransmission comes after this; each further one takes twice as long.
pub(crate) const RETRANSMISSION: Duration = Duration::from_millis(200);

/// What a message takes on its way: half a millisecond, and a little less or more.
const DELAY: (u64, u64) = (300_000, 700_000);

/// The paths between hosts.
#[derive(Debug)]
pub(crate) struct Paths {
    /// A connection of which something is not acknowledged for so long is reset: as a node asks of
    /// its system, which would wait for a quarter of an hour.
    pub patience: Duration,
    /// How much of what is sent is lost, anywhere.
    pub loss: f64,
    /// How much of what comes to a host is lost.
    pub ingress: BTreeMap<usize, f64>,
    /// The sides of a split; hosts of different sides don't reach each other.
    sides: Vec<u8>,
    /// The directed paths on which nothing passes.
    cuts: BTreeSet<(usize, usize)>,
    /// The directed paths on which everything takes longer.
    clogs: BTreeMap<(usize, usize), Duration>,
    /// Hosts without power.
    off: BTreeSet<usize>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It takes so long.
    Takes {
        /// How long.
        delay: Duration,
        /// Whether that is because it was lost and sent again.
        is_resent: bool,
    },
    /// It is lost so often that its connection is reset.
    Reset,
    /// Nothing passes there.
    Blocked,
}

impl Paths {
    /// Everything passes.
    pub(crate) const fn new(patience: Duration) -> Self {
        Self {
            patience,
            loss: 0.0,
            ingress: BTreeMap::new(),
            sides: Vec::new(),
            cuts: BTreeSet::new(),
            clogs: BTreeMap::new(),
            off: BTreeSet::new(),
        }
    }

    /// Cuts one direction.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    /// Makes everything on one direction take longer.
    pub(crate) fn clog(&mut self, from: usize, to: usize, by: Duration) {
        self.clogs.insert((from, to), by);
    }

    /// Splits the hosts into sides, by index; those beyond the list are on side 0.
    pub(crate) fn split(&mut self, sides: Vec<u8>) {
        self.sides = sides;
    }

    /// Takes the power from a host.
    pub(crate) fn power_off(&mut self, host: usize) {
        self.off.insert(host);
    }

    /// Gives a host its power back.
    pub(crate) fn power_on(&mut self, host: usize) {
        self.off.remove(&host);
    }

    /// Everything passes again, but for hosts without power.
    pub(crate) fn heal(&mut self) {
        self.loss = 0.0;
        self.ingress.clear();
        self.sides.clear();
        self.cuts.clear();
        self.clogs.clear();
    }

    /// What becomes of a message.
    pub(crate) fn pass(&self, from: usize, to: usize, rng: &mut StdRng) -> Passage {
        if self.is_blocked(from, to) {
            return Passage::Blocked;
        }
        let loss = self.loss.max(self.ingress.get(&to).copied().unwrap_or(0.0));
        let mut is_resent = false;
        let mut delay = Duration::from_nanos(rng.random_range(DELAY.0..DELAY.1));
        if let Some(by) = self.clogs.get(&(from, to)) {
            delay += *by;
        }
        if loss > 0.0 {
            let mut wait = RETRANSMISSION;
            while rng.random_bool(loss) {
                is_resent = true;
                delay += wait;
                wait *= 2;
                if delay > self.patience {
                    return Passage::Reset;
                }
            }
        }
        Passage::Takes { delay, is_resent }
    }

    /// Whether nothing passes in this direction.
    pub(crate) fn is_blocked(&self, from: usize, to: usize) -> bool {
        let side = |host: usize| self.sides.get(host).copied().unwrap_or(0);
        (!self.cuts.is_empty() && self.cuts.contains(&(from, to)))
            || (!self.sides.is_empty() && side(from) != side(to))
            || (!self.off.is_empty() && (self.off.contains(&from) || self.off.contains(&to)))
    }
}
