//! What really happened: which lives there are, and what each node was told of the others.

use std::collections::BTreeSet;
use std::time::Duration;

use noex_core::NodeDownReason;

use crate::time::At;

/// One life of a node, by its place in the list of all lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct LifeIndex(pub u32);

/// One life of a node.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Life {
    /// Which node.
    pub node: usize,
    /// When its process ended, in whatever way.
    pub ended_at: Option<At>,
    /// When it began to leave.
    pub left_at: Option<At>,
    /// Since when it has been unable to speak to some of the others.
    pub silent_since: Option<At>,
    /// When that ended, in as far as it has.
    pub mended_at: Option<At>,
}

impl Life {
    /// Whether it could not be heard by some of the others at this moment, or not long before:
    /// what waits for its retransmission comes later than the path is mended.
    #[must_use]
    pub fn is_silent(&self, at: At, patience: Duration) -> bool {
        let is_mended = self
            .mended_at
            .is_some_and(|mended| at - mended > 2 * patience);
        self.silent_since.is_some() && !is_mended
    }
}

/// What a node was told of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// It is up.
    Up,
    /// It is down.
    Down(NodeDownReason),
    /// There is a session with it.
    Opened,
    /// Its users wait for a session with it.
    Wanted,
    /// There is none any more, or the one that was wanted can't be had.
    Lost,
    /// There is none any more, because nobody had any use for it.
    Rested,
}

/// Something that a node was told.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Told {
    /// When.
    pub at: At,
    /// Which life was told.
    pub to: LifeIndex,
    /// Of which life.
    pub about: LifeIndex,
    /// What.
    pub what: What,
    /// Whether the one was up to the other before.
    pub was_up: bool,
}

/// How much a node does at some moment.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Load {
    /// How many sessions it has.
    pub sessions: usize,
    /// How many dials are under way.
    pub dials: usize,
}

/// What really happened, as invariants see it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Truth {
    /// All lives that there are or were.
    pub lives: Vec<Life>,
    /// The time in which silence is noticed, one interval short: nobody is down for silence
    /// before it.
    pub patience: Duration,
    /// How many nodes there are.
    pub size: usize,
    /// Whether what is done to the nodes takes nobody down who lives.
    pub is_bearable: bool,
    /// Nodes that others were given as seeds.
    pub seeds: BTreeSet<usize>,
}

impl Truth {
    /// A life.
    #[must_use]
    pub fn life(&self, index: LifeIndex) -> &Life {
        &self.lives[index.0 as usize]
    }

    /// Whether a life is over, or about to be.
    #[must_use]
    pub fn is_over(&self, index: LifeIndex) -> bool {
        let life = self.life(index);
        life.ended_at.is_some() || life.left_at.is_some()
    }
}
