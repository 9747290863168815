//! Pure: `Terms` and `Due`, how long a call may wait, and for whose sweep to say.

use std::time::Duration;

use super::Generation;

/// Set in a due time that is known; without it, it is the generation of a call whose time does not
/// run yet.
const RUNNING: u64 = 1 << 63;

/// The bits of a wait in milliseconds: more than a year of them.
const WAIT_BITS: u32 = 36;

/// Whose sweep looks after a call, and how long its caller waits, rounded up to milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms(u64);

impl Terms {
    #[inline]
    pub(crate) fn new(owner: u32, wait: Duration) -> Self {
        let rest = u64::from(wait.subsec_nanos().div_ceil(1_000_000));
        let millis = wait.as_secs().saturating_mul(1000).saturating_add(rest);
        Self(u64::from(owner) << WAIT_BITS | millis.min((1 << WAIT_BITS) - 1))
    }

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn is_of(self, owner: u32) -> bool {
        // The upper half of 28 bits: more sweeps than a program ever has.
        self.0 >> WAIT_BITS == owner as u64 & ((1 << (64 - WAIT_BITS)) - 1)
    }

    pub(crate) const fn wait(self) -> Duration {
        Duration::from_millis(self.0 & ((1 << WAIT_BITS) - 1))
    }
}

/// When a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Its time does not run yet: it runs from when its sweep meets this use of the cell.
    Unmet(Generation),
    /// In nanoseconds since the epoch of its node.
    At(u64),
}

impl Due {
    /// The last moment that can be written.
    pub(crate) const MAX: u64 = RUNNING - 1;

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        if bits & RUNNING == 0 {
            Self::Unmet(Generation::new(bits))
        } else {
            Self::At(bits & !RUNNING)
        }
    }

    #[inline]
    pub(super) const fn bits(self) -> u64 {
        match self {
            Self::Unmet(generation) => generation.number(),
            Self::At(nanos) => RUNNING | nanos,
        }
    }
}
