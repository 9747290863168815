//! Pure: `Strategy`, `Restart`, `Shutdown` and others, what a supervisor and its children are told to be.

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
