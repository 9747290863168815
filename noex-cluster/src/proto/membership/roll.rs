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
    /// How often we looked for others, and when to do so next.
    pub rounds: u32,
    /// When to look for others next.
    pub round_at: Option<Instant>,
    /// When to see next whether anybody is absent.
    pub look_at: Instant,
    /// Whether those who are not present are absent.
    pub is_valid: bool,
    present: BTreeSet<Creation>,
    sighted: BTreeSet<Creation>,
}

impl Roll {
    /// Begins, and lasts for this long.
    pub(super) fn new(now: Instant, length: Duration) -> Self {
        Self {
            began_at: now,
            rounds: 0,
            round_at: Some(now),
            look_at: now + length,
            is_valid: false,
            present: BTreeSet::new(),
            sighted: BTreeSet::new(),
        }
    }

    /// Somebody is present. Whether that is new.
    pub(super) fn add(&mut self, creation: Creation) -> bool {
        self.present.insert(creation)
    }

    /// Somebody answered a dial, who did not say that it is present.
    pub(super) fn sight(&mut self, creation: Creation) {
        self.sighted.insert(creation);
    }

    /// Whether somebody was sighted who did not say that it is present.
    pub(super) fn has_missed(&self) -> bool {
        !self.sighted.is_subset(&self.present)
    }

    /// When something is to be done about it.
    pub(super) fn timeout(&self) -> Option<Instant> {
        Some(
            self.round_at
                .map_or(self.look_at, |at| at.min(self.look_at)),
        )
    }

    /// Whether somebody else is present.
    pub(super) fn has_company(&self) -> bool {
        self.present.len() > 1
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
