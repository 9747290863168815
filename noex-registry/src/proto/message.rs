//! Pure: what the registries of two nodes tell each other.

use std::sync::Arc;

use noex_core::{Creation, Pid};
use serde::{Deserialize, Serialize};

use super::claim::Claim;

/// What one registry tells another. Deltas are flooded, all else is cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    Delta(Delta),
    State(State),
    Fetch(Fetch),
    Digest(Digest),
    Unregister(Unregister),
}

/// What changed in the claims of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delta {
    pub(crate) origin: Creation,
    /// The version that it applies to.
    pub(crate) before: u64,
    /// The version that it leads to.
    pub(crate) after: u64,
    pub(crate) changes: Vec<Change>,
}

/// One change in the claims of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    Claimed { name: Arc<str>, claim: Claim },
    Released { name: Arc<str> },
}

/// Claims of one node, in the order of their names: all of them, or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) origin: Creation,
    pub(crate) version: u64,
    /// The last name of the part before this one.
    #[serde(default)]
    pub(crate) after: Option<Arc<str>>,
    pub(crate) claims: Vec<(Arc<str>, Claim)>,
    /// Whether there is another part, to be fetched when this one was taken in.
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// Asks a node for all its claims, or for a further part of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) from: Creation,
    /// The asking node's own version, so that the other side can ask in turn.
    pub(crate) version: u64,
    /// The last name of the part that is there already.
    #[serde(default)]
    pub(crate) after: Option<Arc<str>>,
}

impl State {
    /// The last name of this part.
    pub(crate) fn last(&self) -> Option<&Arc<str>> {
        self.claims
            .last()
            .map(|(name, _)| name)
            .or(self.after.as_ref())
    }
}

/// Which version of each node's claims the sender knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest {
    pub(crate) from: Creation,
    pub(crate) versions: Vec<(Creation, u64)>,
    /// Whether it answers another digest, and is not to be answered.
    pub(crate) is_answer: bool,
}

/// Asks the node of `pid` to release its claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unregister {
    pub(crate) name: Arc<str>,
    pub(crate) pid: Pid,
}
