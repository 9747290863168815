//! Nodes of one program, joined in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use noex_core::{
    Creation, LocalNode, NodeDownReason, NodeId, Peer, RouteError, Router, Signal, Target,
};
use parking_lot::Mutex;

/// Longer than anything here takes, so that a lost wake-up fails its test.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Wires {
    nodes: BTreeMap<Creation, LocalNode>,
    cut: BTreeSet<(Creation, Creation)>,
}

/// Nodes that reach each other without a socket; delivery is immediate, so order is kept.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<Wires>>);

impl Net {
    /// `count` nodes, all of which know each other.
    pub(crate) fn of(count: u16) -> (Self, Vec<LocalNode>) {
        let net = Self::default();
        let nodes = (1..=count).map(|port| net.start(port)).collect();
        (net, nodes)
    }

    /// A node that joins the others; one of the same port is a later life of the same node.
    pub(crate) fn start(&self, port: u16) -> LocalNode {
        let node = LocalNode::start(id(port));
        let others: Vec<LocalNode> = self.0.lock().nodes.values().cloned().collect();
        self.0.lock().nodes.insert(node.creation(), node.clone());
        node.attach(Arc::new(Wire {
            own: node.creation(),
            net: self.clone(),
        }));
        for other in others {
            other.peer_up(&peer(&node));
            node.peer_up(&peer(&other));
        }
        node
    }

    /// Takes the connection between two nodes away; both find the other one down.
    pub(crate) fn cut(&self, one: &LocalNode, other: &LocalNode) {
        let (here, there) = (one.creation(), other.creation());
        self.0.lock().cut.extend([(here, there), (there, here)]);
        for (node, lost) in [(one, other), (other, one)] {
            node.peer_down(&peer(lost), NodeDownReason::ConnectionClosed);
        }
    }
}

pub(crate) fn id(port: u16) -> NodeId {
    format!("n@127.0.0.1:{port}").parse().unwrap()
}

pub(crate) fn peer(node: &LocalNode) -> Peer {
    Peer::new(node.id().clone(), node.creation())
}

struct Wire {
    own: Creation,
    net: Net,
}

impl Router for Wire {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        let wires = self.net.0.lock();
        let there = to.creation();
        let node = wires.nodes.get(&there).cloned();
        let node = node.filter(|_| !wires.cut.contains(&(self.own, there)));
        drop(wires);
        node.ok_or(RouteError::NoConnection)?
            .deliver(self.own, to, signal);
        Ok(())
    }

    fn neighbours(&self) -> Vec<Creation> {
        self.net.0.lock().nodes.keys().copied().collect()
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.own)
    }
}

/// Runs `future` as code of `node` that is no process.
pub(crate) async fn on<F: Future>(node: &LocalNode, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _inside = node.enter();
        future.as_mut().poll(cx)
    })
    .await
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    soon(what, waiting).await;
}

/// What `future` gives, which must not take long.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect(what)
}
