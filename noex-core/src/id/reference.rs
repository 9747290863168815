//! `MonitorRef`, `CallRef` and `TimerRef`: numbers that name one monitor, open call or timer.

use serde::{Deserialize, Serialize};

/// Names one monitor on the node that set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MonitorRef(u64);

impl MonitorRef {
    /// The monitor with this number, as read from the wire.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its number, as written to the wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// Names one open call on the node of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallRef(u64);

impl CallRef {
    /// The call with this number, as read from the wire.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its number, as written to the wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// Names one timer on the node of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerRef(u64);

impl TimerRef {
    /// The timer with this number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}
