//! Nodes for tests: short intervals, any free port, and waiting with a deadline.

use std::time::Duration;

use noex_cluster::{Cluster, ClusterConfig, ClusterEvent, Events, NodeInfo};
use noex_core::{LocalNode, NodeDownReason, NodeId};
use tokio::time::timeout;

/// No test waits longer for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// After this silence a node is down.
pub(crate) const DETECTION_TIME: Duration = Duration::from_secs(1);

/// The secret of the tests' clusters.
pub(crate) const SECRET: &str = "correct horse battery staple";

/// One node of a test.
#[derive(Debug)]
pub(crate) struct TestNode {
    pub(crate) cluster: Cluster,
    pub(crate) node: LocalNode,
    events: Events,
    /// Everything that happened so far.
    pub(crate) seen: Vec<ClusterEvent>,
}

/// A node's configuration: on loopback, any free port, fast.
pub(crate) fn config(name: &str, seeds: &[&NodeId]) -> ClusterConfig {
    let mut config = ClusterConfig::new(name)
        .listen("127.0.0.1")
        .port(0)
        .secret(noex_cluster::Secret::new(SECRET))
        .heartbeat_interval(DETECTION_TIME / 5)
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
    TestNode {
        cluster,
        node,
        events,
        seen: Vec::new(),
    }
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

    /// Stops the node, and takes in everything that happened to it.
    pub(crate) async fn stop(&mut self) {
        within(self.cluster.stop()).await;
        while let Some(event) = self.events.next().await {
            self.seen.push(event.expect("no event is missed"));
        }
    }

    async fn event(&mut self) -> ClusterEvent {
        let Ok(event) = timeout(DEADLINE, self.events.next()).await else {
            let Self { cluster, seen, .. } = self;
            panic!(
                "{} waits, saw {seen:?}, and sees {:?}",
                cluster.local_node_id(),
                cluster.nodes()
            );
        };
        let event = event.expect("the node runs").expect("no event is missed");
        self.seen.push(event.clone());
        event
    }
}

/// Waits no longer than any test does.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .expect("it is done before the deadline")
}
