//! Pure: what the registries of two nodes tell each other.

use std::sync::Arc;

use noex_core::{Creation, Pid};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Key};

/// What one registry tells another. Deltas are flooded, all else is cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    Delta(Delta),
    State(State),
    Fetch(Fetch),
    Digest(Digest),
    Unregister(Unregister),
}

/// What changed in the entries of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delta {
    pub(crate) origin: Creation,
    /// The version that it applies to.
    pub(crate) before: u64,
    /// The version that it leads to.
    pub(crate) after: u64,
    pub(crate) changes: Vec<Change>,
}

/// One change in the entries of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    Held(Entry),
    Released(Key),
}

/// Entries of one node, in the order of their keys: all of them, or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) origin: Creation,
    pub(crate) version: u64,
    /// The last key of the part before this one.
    #[serde(default)]
    pub(crate) after: Option<Key>,
    pub(crate) entries: Vec<Entry>,
    /// Whether there is another part, to be fetched when this one was taken in.
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// Asks a node for all its entries, or for a further part of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) from: Creation,
    /// The asking node's own version, so that the other side can ask in turn.
    pub(crate) version: u64,
    /// The last key of the part that is there already.
    #[serde(default)]
    pub(crate) after: Option<Key>,
}

impl State {
    /// The last key of this part.
    pub(crate) fn last(&self) -> Option<Key> {
        let last = self.entries.last().map(Entry::key);
        last.or_else(|| self.after.clone())
    }
}

/// Which version of each node's entries the sender knows.
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
