//! `Pid`: names one process of one life of one node.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Creation;

/// Names one process of one life of one node. 16 bytes, never reused.
///
/// It prints as the first half of its creation and its serial number, as in `<9f3c01d2.42>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pid {
    creation: Creation,
    serial: u64,
}

impl Pid {
    /// The pid of process `serial` of the node's life `creation`.
    #[must_use]
    pub const fn new(creation: Creation, serial: u64) -> Self {
        Self { creation, serial }
    }

    /// The life of the node that the process belongs to.
    #[must_use]
    pub const fn creation(self) -> Creation {
        self.creation
    }

    /// Its number on that node, counted from 1.
    #[must_use]
    pub const fn serial(self) -> u64 {
        self.serial
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{:08x}.{}>", self.creation.bits() >> 32, self.serial)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
