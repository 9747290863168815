//! Virtual time, in nanoseconds since the run began.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(u64);

impl At {
    /// The beginning.
    pub const START: Self = Self(0);

    /// How long after the beginning.
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long after another moment; nothing if it was before.
    #[must_use]
    pub const fn since(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(other.0))
    }
}

impl Add<Duration> for At {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0 + u64::try_from(by.as_nanos()).unwrap_or(u64::MAX / 2))
    }
}

impl Sub<Self> for At {
    type Output = Duration;

    fn sub(self, other: Self) -> Duration {
        self.since(other)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4} s", self.elapsed().as_secs_f64())
    }
}
