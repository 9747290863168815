//! Pure: the roll call: who can still be reached when many fall silent at once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use noex_core::Creation;

/// How often a node with few live neighbours looks for others while the roll is called.
pub(super) const ROUNDS: u32 = 6;

/// A roll call.
#[derive(Debug, Clone)]
pub(super) struct Roll {
    /// When it began.
    pub began_at: Instant,
    /// Who is not present from then on is absent.
    pub closes_at: Instant,
    /// How often we looked for others, and when to do so next.
    pub rounds: u32,
    /// When to look for others next.
    pub round_at: Option<Instant>,
    /// Whether the absent have been noted.
    pub is_closed: bool,
    present: BTreeSet<Creation>,
}

impl Roll {
    /// Begins, and lasts for this long.
    pub(super) fn new(now: Instant, length: Duration) -> Self {
        Self {
            began_at: now,
            closes_at: now + length,
            rounds: 0,
            round_at: Some(now),
            is_closed: false,
            present: BTreeSet::new(),
        }
    }

    /// Somebody is present. Whether that is new.
    pub(super) fn add(&mut self, creation: Creation) -> bool {
        self.present.insert(creation)
    }

    /// When something is to be done about it.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let closes_at = (!self.is_closed).then_some(self.closes_at);
        self.round_at.into_iter().chain(closes_at).min()
    }

    /// Whether somebody is present.
    pub(super) fn is_present(&self, creation: Creation) -> bool {
        self.present.contains(&creation)
    }

    /// Who is present.
    pub(super) fn present(&self) -> impl Iterator<Item = Creation> + '_ {
        self.present.iter().copied()
    }
}
