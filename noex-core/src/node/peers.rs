//! `Peer` and `PeerEvent`: what a node's processes learn of other nodes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Creation, NodeId};

/// Another node, in one of its lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Peer {
    /// Its identity.
    pub id: NodeId,
    /// Its life.
    pub creation: Creation,
}

impl Peer {
    /// The life `creation` of node `id`.
    #[must_use]
    pub const fn new(id: NodeId, creation: Creation) -> Self {
        Self { id, creation }
    }
}

/// Why a node counts as down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NodeDownReason {
    /// It was silent for the whole detection time.
    HeartbeatTimeout,
    /// Its connections closed, and a new one was refused, reset or answered by another life.
    ConnectionClosed,
    /// It said goodbye.
    GracefulShutdown,
}

impl fmt::Display for NodeDownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeartbeatTimeout => "heartbeat_timeout",
            Self::ConnectionClosed => "connection_closed",
            Self::GracefulShutdown => "graceful_shutdown",
        })
    }
}

/// What processes that watch nodes are told, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerEvent {
    /// A node is up.
    Up(Peer),
    /// A node that is up had lost its session and has a new one; what was on its way over the old
    /// one may be lost. A node's first session is no event.
    Reconnected(Peer),
    /// The nodes that news is passed on to are others than before;
    /// [`neighbours`](crate::LocalNode::neighbours) tells which.
    NeighboursChanged,
    /// A node is down. There is exactly one for each [`Up`](Self::Up).
    Down {
        /// Which node.
        peer: Peer,
        /// Why.
        reason: NodeDownReason,
    },
}
