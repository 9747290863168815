//! Two nodes of a cluster, in the process of the test.

use std::time::Duration;

use noex::prelude::*;
use noex::{ClusterEvent, NodeError};
use tokio::time::timeout;

/// How long anything may take that should happen soon.
const PATIENCE: Duration = Duration::from_secs(10);

/// A node of its own, on loopback.
pub(crate) async fn alone() -> Node {
    Node::start(ClusterConfig::new("a").port(0))
        .await
        .expect("a free port")
}

/// Two nodes that see each other.
pub(crate) async fn pair() -> (Node, Node) {
    let a = alone().await;
    a.cluster().running().await;
    let mut events = a.cluster().subscribe();
    let b = join(&a).await.expect("a free port");
    let seen = async {
        loop {
            if let Some(Ok(ClusterEvent::NodeUp(_))) = events.next().await {
                return;
            }
        }
    };
    timeout(PATIENCE, seen).await.expect("the nodes meet");
    b.cluster().running().await;
    (a, b)
}

async fn join(other: &Node) -> Result<Node, NodeError> {
    let config = ClusterConfig::new("b").port(0);
    Node::start(config.seed(other.id().to_string())).await
}
