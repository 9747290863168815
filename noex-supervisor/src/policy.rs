//! Pure: `Strategy`, `Restart`, `Shutdown` and more: what supervisors and children are told to be.

use std::time::Duration;

use noex_core::ExitReason;
use serde::{Deserialize, Serialize};

/// How long a child has for its shutdown unless told otherwise.
const SHUTDOWN_DEFAULT: Duration = Duration::from_secs(5);

/// Which children are started again when one has to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_enums,
    reason = "complete since OTP's first release"
)]
pub enum Strategy {
    /// That one alone.
    #[default]
    OneForOne,
    /// All of them: the others are stopped first.
    OneForAll,
    /// That one and those that were started after it.
    RestForOne,
}

/// When a child that ended is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_enums,
    reason = "complete since OTP's first release"
)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// Only if it did not end in order; see [`ExitReason::is_orderly`].
    Transient,
    /// Never; its specification goes with it.
    Temporary,
}

impl Restart {
    /// Whether a child that ended with `reason` is started again.
    pub(crate) const fn applies_to(self, reason: &ExitReason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !reason.is_orderly(),
            Self::Temporary => false,
        }
    }
}

/// How a supervisor ends a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_enums,
    reason = "complete since OTP's first release"
)]
pub enum Shutdown {
    /// It is asked to end, and killed if it has not ended after this time.
    After(Duration),
    /// It is killed at once.
    Kill,
    /// It is asked to end and may take as long as it needs; right for supervisors.
    Unlimited,
}

impl Default for Shutdown {
    /// [`After`](Self::After) 5 s.
    fn default() -> Self {
        Self::After(SHUTDOWN_DEFAULT)
    }
}

/// Whether a supervisor ends when its [significant](crate::ChildSpec::significant) children have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "complete since OTP 24")]
pub enum AutoShutdown {
    /// It does not.
    #[default]
    Never,
    /// It ends when one of them has ended.
    AnySignificant,
    /// It ends when the last of them has ended.
    AllSignificant,
}

impl AutoShutdown {
    /// Whether a supervisor ends when one of its significant children has ended, and so many are
    /// left.
    pub(crate) const fn is_due(self, left: usize) -> bool {
        match self {
            Self::Never => false,
            Self::AnySignificant => true,
            Self::AllSignificant => left == 0,
        }
    }
}

/// How long a child that ended waits for its restart: longer each time, so that what can't run
/// now does not use up its supervisor's restarts at once.
///
/// A child that then runs for `max` begins anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete by nature")]
pub struct RestartDelay {
    /// Before its first restart; each further one waits twice as long as the one before.
    pub first: Duration,
    /// What no wait is longer than.
    pub max: Duration,
}

impl RestartDelay {
    /// The wait of a child that was restarted so many times before.
    pub(crate) fn after(self, restarts: u32) -> Duration {
        let factor = 1_u32.checked_shl(restarts).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_restart_waits_twice_as_long_up_to_a_limit() {
        let delay = |first, max| RestartDelay {
            first: Duration::from_millis(first),
            max: Duration::from_millis(max),
        };
        let cases = [
            (delay(0, 0), [0, 0, 0, 0, 0, 0]),
            (delay(0, 5), [0, 0, 0, 0, 0, 0]),
            (delay(9, 5), [5, 5, 5, 5, 5, 5]),
            (delay(100, 1000), [100, 200, 400, 800, 1000, 1000]),
        ];
        for (delay, wanted) in cases {
            let told = [0, 1, 2, 3, 4, u32::MAX].map(|restarts| delay.after(restarts));
            assert_eq!(told, wanted.map(Duration::from_millis), "{delay:?}");
        }
    }
}
