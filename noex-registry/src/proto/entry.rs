//! Pure: what a process holds, a name or a place in a group, and the key that tells it from others.

use std::sync::Arc;

use noex_core::{Creation, Pid};
use serde::{Deserialize, Serialize};

use super::claim::{Claim, is_name};

/// What a process holds. It belongs to the process's node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A claim to a name, which at most one process of all holds.
    Claim { name: Arc<str>, claim: Claim },
    /// A place in a group, of which each process that wants one has its own.
    Member { group: Arc<str>, pid: Pid },
}

/// What tells one entry of a node from all others of it. Names stand before groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Key {
    Name(Arc<str>),
    Member { group: Arc<str>, pid: Pid },
}

impl Entry {
    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Claim { name, .. } => Key::Name(Arc::clone(name)),
            Self::Member { group, pid } => Key::Member {
                group: Arc::clone(group),
                pid: *pid,
            },
        }
    }

    pub(crate) const fn pid(&self) -> Pid {
        match self {
            Self::Claim { claim, .. } => claim.pid,
            Self::Member { pid, .. } => *pid,
        }
    }

    pub(crate) const fn origin(&self) -> Creation {
        self.pid().creation()
    }

    /// Whether its name, or that of its group, is one.
    pub(crate) fn is_named_well(&self) -> bool {
        match self {
            Self::Claim { name, .. } => is_name(name),
            Self::Member { group, .. } => is_name(group),
        }
    }
}
