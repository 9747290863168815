//! `NodeInfo`: what a node knows of another one; `Stats`: what it counts.

use std::fmt;
use std::time::Duration;

use noex_core::NodeId;

/// What a node knows of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeInfo {
    /// Who.
    pub id: NodeId,
    /// Whether it is up.
    pub status: NodeStatus,
    /// How many processes ran on it when it was heard of last.
    pub process_count: u64,
    /// How long it has been running; nothing if it is not up.
    pub uptime: Duration,
    /// How long ago its last heartbeat came.
    pub last_heartbeat_ago: Duration,
}

/// Whether a node is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeStatus {
    /// It is a member that can be reached, or is expected to be again within the detection time.
    Up,
    /// It was silent, or its connections closed.
    Down,
    /// It said goodbye.
    Left,
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "left",
        })
    }
}

/// What a node counts of its cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The open sessions.
    pub sessions: usize,
    /// The dials that are under way.
    pub pending_dials: usize,
    /// The members that are remembered, up or not, this node excepted.
    pub known_members: usize,
}
