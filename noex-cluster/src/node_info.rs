//! `NodeInfo`: what a node knows of another one; `Snapshot`: of all; `Stats`: what it counts.

use std::fmt;
use std::time::Duration;

use noex_core::NodeId;

use crate::proto::membership::Status;

/// What a node knows of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeInfo {
    /// Who.
    pub id: NodeId,
    /// Whether it is up.
    pub status: NodeStatus,
    /// How many processes ran on it when it said so last.
    pub process_count: u64,
    /// How long it has been running; nothing if it is not up.
    pub uptime: Duration,
    /// How long ago it said so: in its last heartbeat, or as others passed it on, since in a large
    /// cluster a node sends heartbeats to some of all.
    pub last_heartbeat_ago: Duration,
}

/// What a node sees of its cluster at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// How far the node itself has come.
    pub status: Status,
    /// Who it is.
    pub local_node_id: NodeId,
    /// How long it has been in its cluster.
    pub uptime: Duration,
    /// The other nodes that are or were up, as far as they are remembered, in the order of their
    /// identities.
    pub nodes: Vec<NodeInfo>,
}

impl Snapshot {
    /// The other nodes that are up, whether there is a session with them or not.
    pub fn connected_nodes(&self) -> impl Iterator<Item = &NodeInfo> {
        let nodes = self.nodes.iter();
        nodes.filter(|node| node.status == NodeStatus::Up)
    }
}

/// Whether a node is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeStatus {
    /// It is a member. A session with it is opened when one is needed.
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
