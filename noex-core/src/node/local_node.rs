//! `LocalNode`: one running node.

use std::sync::Arc;
use std::time::Duration;

use crate::id::{Creation, NodeId};
use crate::node::{NodeDownReason, Peer};
use crate::router::Router;
use crate::signal::{Signal, Target};

/// One running node; a cheap handle.
#[derive(Debug, Clone)]
pub struct LocalNode(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: NodeId,
    creation: Creation,
}

impl LocalNode {
    /// Starts a node in the current tokio runtime.
    #[must_use]
    pub fn start(id: NodeId) -> Self {
        Self(Arc::new(Inner { id, creation: Creation::random() }))
    }

    /// The node's identity.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        &self.0.id
    }

    /// This life of the node.
    #[must_use]
    pub fn creation(&self) -> Creation {
        self.0.creation
    }

    /// How many processes run.
    #[must_use]
    pub fn process_count(&self) -> usize {
        0
    }

    /// How long the node has been running.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        Duration::ZERO
    }

    /// Sets the outbound edge.
    pub fn attach(&self, _router: Arc<dyn Router>) {}

    /// Takes the outbound edge away: no other node can be reached any more.
    pub fn detach(&self) {}

    /// The inbound edge: a signal from the node `from` for a process of this one.
    pub fn deliver(&self, _from: Creation, _to: &Target, _signal: Signal) {}

    /// A node is up, and reachable through the router.
    pub fn peer_up(&self, _peer: &Peer) {}

    /// The session with a node that is up was lost: what crosses it breaks, the node stays up.
    pub fn session_lost(&self, _peer: Creation) {}

    /// A node that is up has a new session.
    pub fn peer_reconnected(&self, _peer: &Peer) {}

    /// A node is down: what crosses to it breaks.
    pub fn peer_down(&self, _peer: &Peer, _reason: NodeDownReason) {}
}
