//! Nodes for tests: short intervals, any free port, and waiting with a deadline.

use std::time::Duration;

use noex_cluster::{BackoffSettings, Cluster, ClusterConfig, ClusterEvent, Events, NodeInfo};
use noex_core::{LocalNode, NodeDownReason, NodeId};
use tokio::time::timeout;

/// No test waits longer for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// The secret of the tests' clusters.
pub(crate) const SECRET: &str = "correct horse battery staple";

/// One node of a test.
#[derive(Debug)]
pub(crate) struct TestNode {
    pub(crate) cluster: Cluster,
    pub(crate) events: Events,
}

/// A node's configuration: on loopback, any free port, fast.
pub(crate) fn config(name: &str, seeds: &[&NodeId]) -> ClusterConfig {
    let mut config = ClusterConfig::new(name)
        .listen("127.0.0.1")
        .port(0)
        .secret(noex_cluster::Secret::new(SECRET))
        .heartbeat_interval(Duration::from_millis(200))
        .miss_threshold(5)
        .join_timeout(DEADLINE)
        .reconnect_base_delay(Duration::from_millis(50))
        .reconnect_max_delay(Duration::from_millis(500));
    for seed in seeds {
        config = config.seed(seed.to_string());
    }
    config
}

/// Starts a node.
pub(crate) fn start(config: ClusterConfig) -> TestNode {
    let bound = Cluster::bind(config).unwrap();
    let node = LocalNode::start(bound.node_id().clone());
    let cluster = bound.start(&node);
    let events = cluster.subscribe();
    TestNode { cluster, events }
}

impl TestNode {
    pub(crate) fn id(&self) -> &NodeId {
        self.cluster.local_node_id()
    }

    /// Waits until exactly these nodes are up.
    pub(crate) async fn sees(&mut self, others: &[&NodeId]) {
        let mut expected: Vec<NodeId> = others.iter().map(|id| (*id).clone()).collect();
        expected.sort();
        while self.cluster.connected_nodes() != expected {
            self.event().await;
        }
    }

    /// Waits until a node is up.
    pub(crate) async fn node_up(&mut self) -> NodeInfo {
        loop {
            if let ClusterEvent::NodeUp(node) = self.event().await {
                return node;
            }
        }
    }

    /// Waits until a node is down.
    pub(crate) async fn node_down(&mut self) -> (NodeId, NodeDownReason) {
        loop {
            if let ClusterEvent::NodeDown { id, reason } = self.event().await {
                return (id, reason);
            }
        }
    }

    async fn event(&mut self) -> ClusterEvent {
        let seen = || {
            format!(
                "{} sees {:?}",
                self.cluster.local_node_id(),
                self.cluster.nodes()
            )
        };
        let next = timeout(DEADLINE, self.events.next()).await;
        next.unwrap_or_else(|_elapsed| panic!("nothing happens: {}", seen()))
            .unwrap()
            .unwrap()
    }
}
