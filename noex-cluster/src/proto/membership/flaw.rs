//! Pure: the ways in which the machine can be broken on purpose, to see whether the simulator
//! notices. Only the feature `broken` builds them, and nothing but the simulator's tests picks one.

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    #[default]
    None,
    /// A node that is suspected does not show that it lives.
    SkipRefutation,
    /// A node that refutes a suspicion does not raise its incarnation.
    ReuseIncarnation,
    /// One mature vote takes a member down.
    OneVote,
    /// A down that another node tells of is believed at once.
    MergeDowns,
    /// A node that was paused takes its own pause for the silence of others.
    IgnoreResume,
    /// Votes are not passed on.
    RelayNothing,
    /// Nobody looks for members that are lost.
    SearchNobody,
}

impl Flaw {
    /// Whether it is this one.
    pub(super) fn skips_refutation(self) -> bool {
        self == Self::SkipRefutation
    }

    /// Whether it is this one.
    pub(super) fn reuses_incarnation(self) -> bool {
        self == Self::ReuseIncarnation
    }

    /// Whether it is this one.
    pub(super) fn needs_one_vote(self) -> bool {
        self == Self::OneVote
    }

    /// Whether it is this one.
    pub(super) fn merges_downs(self) -> bool {
        self == Self::MergeDowns
    }

    /// Whether it is this one.
    pub(super) fn ignores_resume(self) -> bool {
        self == Self::IgnoreResume
    }

    /// Whether it is this one.
    pub(super) fn relays_nothing(self) -> bool {
        self == Self::RelayNothing
    }

    /// Whether it is this one.
    pub(super) fn searches_nobody(self) -> bool {
        self == Self::SearchNobody
    }
}
