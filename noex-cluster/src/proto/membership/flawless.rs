//! Pure: no flaw: the machine as it is meant to be.

/// What is broken on purpose: in this build, nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    #[default]
    None,
}

impl Flaw {
    pub(super) const fn skips_refutation(self) -> bool {
        false
    }

    pub(super) const fn reuses_incarnation(self) -> bool {
        false
    }

    pub(super) const fn needs_one_vote(self) -> bool {
        false
    }

    pub(super) const fn merges_downs(self) -> bool {
        false
    }

    pub(super) const fn ignores_resume(self) -> bool {
        false
    }

    pub(super) const fn relays_nothing(self) -> bool {
        false
    }

    pub(super) const fn searches_nobody(self) -> bool {
        false
    }
}
