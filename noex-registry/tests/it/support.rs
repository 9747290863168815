//! Nodes in one process, joined by an in-memory network.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use noex_core::process::{Receiver, SpawnOptions};
use noex_core::{
    Creation, ExitReason, LocalNode, NodeDownReason, Peer, Pid, ReplyTo, RouteError, Router,
    Signal, Target,
};
use noex_gen_server::{Context, Flow, GenServer};
use noex_registry::Registry;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The nodes, and who of them reaches whom.
#[derive(Debug, Default)]
pub(crate) struct Network {
    nodes: Mutex<BTreeMap<Creation, LocalNode>>,
    pub(crate) loses_floods: AtomicBool,
}

/// One node's way to the others.
#[derive(Debug)]
struct Edge {
    from: Creation,
    network: Arc<Network>,
}

impl Router for Edge {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        let is_lost = self.network.loses_floods.load(Ordering::Relaxed);
        if is_lost && matches!(signal, Signal::Flood { .. }) {
            return Ok(());
        }
        let node = self.network.nodes.lock().get(&to.creation()).cloned();
        node.ok_or(RouteError::NoConnection)?
            .deliver(self.from, to, signal);
        Ok(())
    }

    fn neighbours(&self) -> Vec<Creation> {
        let nodes = self.network.nodes.lock();
        nodes
            .keys()
            .copied()
            .filter(|node| *node != self.from)
            .collect()
    }
}

impl Network {
    pub(crate) async fn with_nodes(count: u16) -> (Arc<Self>, Vec<LocalNode>) {
        let network = Arc::new(Self::default());
        let mut nodes = Vec::new();
        for port in 1..=count {
            let node = LocalNode::start(format!("n@127.0.0.1:{port}").parse().unwrap());
            Registry::start(&node).await.unwrap();
            network.join(&node);
            nodes.push(node);
        }
        settle().await;
        (network, nodes)
    }

    pub(crate) fn join(self: &Arc<Self>, node: &LocalNode) {
        node.attach(Arc::new(Edge {
            from: node.creation(),
            network: Arc::clone(self),
        }));
        let others: Vec<LocalNode> = self.nodes.lock().values().cloned().collect();
        self.nodes.lock().insert(node.creation(), node.clone());
        for other in others {
            node.peer_up(&peer(&other));
            other.peer_up(&peer(node));
            other.neighbours_changed();
        }
        node.neighbours_changed();
    }

    /// The node is gone for all others, which are told so now.
    pub(crate) fn lose(&self, lost: &LocalNode) {
        self.nodes.lock().remove(&lost.creation());
        let others: Vec<LocalNode> = self.nodes.lock().values().cloned().collect();
        for other in others {
            other.peer_down(&peer(lost), NodeDownReason::ConnectionClosed);
            lost.peer_down(&peer(&other), NodeDownReason::ConnectionClosed);
        }
    }
}

fn peer(node: &LocalNode) -> Peer {
    Peer::new(node.id().clone(), node.creation())
}

pub(crate) fn registry(node: &LocalNode) -> Arc<Registry> {
    Registry::of(node).unwrap()
}

/// Lets everything that was sent be handled. The runtime has one thread.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// A process that does nothing until it is asked to end.
pub(crate) fn idle(node: &LocalNode) -> Pid {
    let body = |mut mailbox: Receiver<()>| async move {
        mailbox.next().await;
        ExitReason::Normal
    };
    node.spawn(SpawnOptions::default(), body).pid()
}

pub(crate) async fn end(node: &LocalNode, pid: Pid) {
    node.exit(node.pid(), pid, ExitReason::Shutdown).unwrap();
    node.ended(pid).await;
}

pub(crate) struct Whoami;

#[derive(Serialize, Deserialize)]
pub(crate) struct Ask(pub(crate) ReplyTo<Pid>);

impl GenServer for Whoami {
    type Args = ();
    type Call = Ask;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, Ask(reply): Ask, cx: &mut Context<Self>) -> Flow {
        reply.send(cx.pid());
        Flow::Continue
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
