//! Pure: claims to a name, how old they are, and which of them holds it.
//!
//! The clock is the hybrid logical clock of Kulkarni et al., "Logical Physical Clocks" (2014). We
//! depart from it on receipt: the received stamp is noted, and only the next claim ticks.

use std::cmp::Reverse;
use std::time::Duration;

use noex_core::{Creation, Pid};
use serde::{Deserialize, Serialize};

/// The most bytes that a name has.
const NAME_SIZE_MAX: usize = 255;

/// How far ahead of our wall clock a stamp may be and still move our clock.
const DRIFT_MAX: Duration = Duration::from_secs(10);

/// Whether `name` has 1 to 255 bytes.
pub(crate) const fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_SIZE_MAX
}

/// When a claim was made, by a hybrid logical clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// Of the Unix epoch.
    millis: u64,
    counter: u32,
}

impl Stamp {
    const fn next(self) -> Self {
        match self.counter.checked_add(1) {
            Some(counter) => Self { counter, ..self },
            None => Self {
                millis: self.millis.saturating_add(1),
                counter: 0,
            },
        }
    }

    fn of_wall(wall: Duration) -> Self {
        Self {
            millis: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
            counter: 0,
        }
    }
}

/// A stamp is too far ahead; our clock did not follow it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Drift;

/// A hybrid logical clock: never behind the wall clock, nor behind any stamp that it has seen.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Stamp,
}

impl Clock {
    /// A stamp later than any that was made or seen.
    pub(crate) fn tick(&mut self, wall: Duration) -> Stamp {
        self.last = self.last.next().max(Stamp::of_wall(wall));
        self.last
    }

    /// Notes a stamp of another node, so that later claims of this one are younger. A node whose
    /// wall clock is wrong must not drag the others along.
    pub(crate) fn witness(&mut self, stamp: Stamp, wall: Duration) -> Result<(), Drift> {
        if stamp > Stamp::of_wall(wall.saturating_add(DRIFT_MAX)) {
            return Err(Drift);
        }
        self.last = self.last.max(stamp);
        Ok(())
    }
}

/// That a process claims a name. The claim belongs to the process's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) pid: Pid,
    since: Stamp,
    /// How often the claim was handed on since `since`.
    generation: u32,
    /// A process that is known to be dead, whose claim this one supersedes.
    replaces: Option<Pid>,
    /// The node of the process is stopping: whoever else claims the name gets it.
    #[serde(default)]
    is_draining: bool,
}

impl Claim {
    pub(crate) const fn new(pid: Pid, since: Stamp, replaces: Option<Pid>) -> Self {
        Self {
            pid,
            since,
            generation: 0,
            replaces,
            is_draining: false,
        }
    }

    /// The claim of `pid`, which takes the place of this one. It is as old as this one: were it
    /// young, a third claim could lose to this one and win over its successor.
    pub(crate) const fn handed_to(self, pid: Pid) -> Self {
        Self {
            pid,
            since: self.since,
            generation: self.generation.saturating_add(1),
            replaces: Some(self.pid),
            is_draining: false,
        }
    }

    /// The claim, which is draining if `is_draining`.
    pub(crate) const fn draining(self, is_draining: bool) -> Self {
        Self {
            is_draining,
            ..self
        }
    }

    pub(crate) const fn is_draining(&self) -> bool {
        self.is_draining
    }

    pub(crate) const fn origin(&self) -> Creation {
        self.pid.creation()
    }

    pub(crate) const fn since(&self) -> Stamp {
        self.since
    }

    /// The lowest one wins.
    const fn seniority(&self) -> (bool, Stamp, Reverse<u32>, Pid) {
        (
            self.is_draining,
            self.since,
            Reverse(self.generation),
            self.pid,
        )
    }

    fn is_replaced(&self, claims: &[Self]) -> bool {
        let by = |other: &Self| other.pid != self.pid && other.replaces == Some(self.pid);
        claims.iter().any(by)
    }
}

/// Which of the claims to one name holds it: the oldest of those that no other one replaces, by
/// (hybrid logical clock, creation), a draining one only if there is no other. Their order does
/// not matter.
pub(crate) fn winner(claims: &[Claim]) -> Option<&Claim> {
    let standing = claims.iter().filter(|claim| !claim.is_replaced(claims));
    standing
        .min_by_key(|claim| claim.seniority())
        // Claims that replace each other in a circle.
        .or_else(|| claims.iter().min_by_key(|claim| claim.seniority()))
}
