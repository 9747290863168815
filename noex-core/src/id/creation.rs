//! `Creation`: one life of a node.

use std::fmt;

use rand::RngExt;
use serde::{Deserialize, Serialize};

/// One life of a node: 64 random bits, new at each start, part of every pid.
///
/// A node that comes back under its old name has another creation, so that no pid of its former
/// life can reach a process of the new one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Creation(u64);

impl Creation {
    /// A creation that no other life of any node has, but for one chance in 2^64.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::rng().random())
    }

    /// The creation with these bits, as read from the wire.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its bits, as written to the wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Creation({self})")
    }
}
