//! Pure: what the registries of two nodes tell each other.

use std::sync::Arc;

use noex_core::{Creation, Pid};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Key};

/// What one registry casts to another, and who does. Deltas are flooded, all else is cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) from: Creation,
    pub(crate) message: Message,
}

/// What one registry tells another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    Delta(Delta),
    State(State),
    Fetch(Fetch),
    Summary(Summary),
    Versions(Versions),
    Unregister(Unregister),
    Confirm(Confirm),
    Confirmed(Confirm),
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

/// Entries of one node, in the order of their keys: all of them, or a part. They come from that
/// node, or from any other one that knows them.
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

/// Asks for all entries of one node, or for a further part of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) origin: Creation,
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

/// A sum over all versions that the sender knows. Who has another one answers with its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) sum: u64,
}

/// Which versions of nodes' entries the sender knows. There are no more of them than nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub(crate) versions: Vec<(Creation, u64)>,
    /// Whether these are all; then who knows more answers with that.
    pub(crate) is_all: bool,
}

/// Asks the node of `pid` to release its claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unregister {
    pub(crate) name: Arc<str>,
    pub(crate) pid: Pid,
}

/// Asks whoever gets it to say when it knows the sender's entries in this version; or says that
/// the receiver's are known in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confirm {
    pub(crate) version: u64,
}
