//! `Invariant`: a rule that sees everything that nodes are told, and objects.

use std::fmt;

use super::bearable::Bearable;
use super::dials_bounded::DialsBounded;
use super::never_early::NeverEarly;
use super::no_ghosts::NoGhosts;
use super::one_down_per_up::OneDownPerUp;
use super::one_view::OneView;
use super::reasons::Reasons;
use super::sessions_bounded::SessionsBounded;
use super::sessions_of_the_living::SessionsOfTheLiving;
use crate::time::At;
use crate::truth::{LifeIndex, Load, Told, Truth};

/// A rule that sees everything that nodes are told.
pub trait Invariant: fmt::Debug {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// A node was told something.
    ///
    /// # Errors
    /// What is wrong with that.
    fn saw(&mut self, _told: &Told, _truth: &Truth) -> Result<(), String> {
        Ok(())
    }

    /// A node does so much at this moment.
    ///
    /// # Errors
    /// What is wrong with that.
    fn weighed(&mut self, _who: LifeIndex, _load: Load, _truth: &Truth) -> Result<(), String> {
        Ok(())
    }

    /// The faults have been off for long enough, and this is whom a live node holds for up.
    ///
    /// # Errors
    /// What is wrong with that.
    fn ended(
        &mut self,
        _who: LifeIndex,
        _view: &[LifeIndex],
        _truth: &Truth,
    ) -> Result<(), String> {
        Ok(())
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which rule objects.
    pub invariant: &'static str,
    /// When.
    pub at: At,
    /// What is wrong.
    pub what: String,
}

impl Violation {
    pub(crate) const fn new(invariant: &'static str, at: At, what: String) -> Self {
        Self {
            invariant,
            at,
            what,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}: {}", self.at, self.invariant, self.what)
    }
}

/// Every invariant, without memory.
#[must_use]
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(OneDownPerUp),
        Box::new(NeverEarly),
        Box::new(Bearable),
        Box::new(NoGhosts::default()),
        Box::new(SessionsOfTheLiving::default()),
        Box::new(Reasons),
        Box::new(SessionsBounded),
        Box::new(DialsBounded),
        Box::new(OneView),
    ]
}
