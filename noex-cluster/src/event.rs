//! `ClusterEvent`: what happens in a cluster, and `Events`, the stream of it.

use noex_core::{NodeDownReason, NodeId};
use thiserror::Error;
use tokio::sync::broadcast;

use crate::node_info::NodeInfo;
use crate::proto::membership::Status;

/// What happens in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClusterEvent {
    /// A node is up.
    NodeUp(NodeInfo),
    /// A node is down; there is exactly one for each [`NodeUp`](Self::NodeUp).
    NodeDown {
        /// Which node.
        id: NodeId,
        /// Why.
        reason: NodeDownReason,
    },
    /// This node's own status changed.
    StatusChanged(Status),
}

/// This many events were dropped because the subscriber was too slow to take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} events were missed; take a fresh look at the nodes")]
#[non_exhaustive]
pub struct Missed(pub u64);

/// A stream of events, in the order in which they happened; [`Cluster`](crate::Cluster) has an
/// example.
#[derive(Debug)]
pub struct Events {
    receiver: Option<broadcast::Receiver<ClusterEvent>>,
}

impl Events {
    pub(crate) const fn new(receiver: Option<broadcast::Receiver<ClusterEvent>>) -> Self {
        Self { receiver }
    }

    /// Waits for the next event. `None` when the cluster has ended.
    ///
    /// # Errors
    /// [`Missed`] if this subscriber was so slow that events were dropped; the oldest one that is
    /// left comes next.
    ///
    /// # Cancel safety
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<ClusterEvent, Missed>> {
        match self.receiver.as_mut()?.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Err(Missed(count))),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
