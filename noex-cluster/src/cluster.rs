//! `Cluster`: a node's part in a cluster.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::task::spawn_on;
use noex_core::{CallError, LocalNode, NodeDownReason, NodeId, WeakNode};
use parking_lot::RwLock;
use tokio::runtime::Handle;

use crate::address;
use crate::bind_error::BindError;
use crate::config::{Advertise, ClusterConfig, ConfigError, SecretRules, ValidConfig};
use crate::event::{ClusterEvent, Events};
use crate::informant::{self, Informant};
use crate::net::{Identity, Limits, SecretWatch, Thread, ThreadParts, Wish, log_start};
use crate::node_info::{NodeInfo, Snapshot, Stats};
use crate::proto::membership::Status;
use crate::router::ClusterRouter;
use crate::secret::{Secret, StaticKey};
use crate::subscription::Subscription;
use crate::view::View;

/// A port that is bound, and the identity that follows from it.
///
/// A node's identity holds its port, so the port is bound before the node is started.
#[derive(Debug)]
pub struct Bound {
    config: ValidConfig,
    listener: TcpListener,
    node_id: NodeId,
}

/// A node's part in a cluster; a cheap handle.
///
/// [`stop`](Self::stop) leaves the cluster in order. When the last handle is dropped without it,
/// all connections close, and to the others it is as if the node had crashed.
///
/// # Examples
/// Two nodes of one program, of which the second one is given the first one's address:
/// ```
/// use noex_cluster::{Cluster, ClusterConfig, ClusterEvent};
/// use noex_core::LocalNode;
///
/// # #[tokio::main(flavor = "multi_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bound = Cluster::bind(ClusterConfig::new("a").port(0))?;
/// let a = bound.node_id().clone();
/// let first = bound.start(&LocalNode::start(a.clone()));
///
/// let bound = Cluster::bind(ClusterConfig::new("b").port(0).seed(a.to_string()))?;
/// let node = LocalNode::start(bound.node_id().clone());
/// let second = bound.start(&node);
/// second.running().await;
/// assert_eq!(second.connected_nodes(), [a.clone()]);
///
/// let mut events = second.subscribe();
/// first.stop().await;
/// while let Some(event) = events.next().await {
///     if let ClusterEvent::NodeDown { id, reason } = event? {
///         assert_eq!((id, reason.to_string()), (a, "graceful_shutdown".to_owned()));
///         break;
///     }
/// }
/// second.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node_id: NodeId,
    node: WeakNode,
    _informant: Informant,
    view: Arc<View>,
    thread: Thread,
    identity: Arc<Identity>,
    secret_rules: SecretRules,
    _secret_watch: Option<Subscription>,
    runtime: Handle,
    started_at: Instant,
}

impl Bound {
    /// Who the node will be.
    #[must_use]
    pub const fn node_id(&self) -> &NodeId {
        &self.node_id
    }

    /// Joins `node` to the cluster. Signals are carried on the runtime in which this is called,
    /// and callbacks run there; all else has a thread of its own.
    ///
    /// # Panics
    /// Outside a tokio runtime, or if the operating system gives no thread.
    #[must_use]
    pub fn start(self, node: &LocalNode) -> Cluster {
        let Self {
            config,
            listener,
            node_id,
        } = self;
        let runtime = Handle::current();
        log_start(&node_id, &listener, &config);
        let limits = Limits {
            message_size_max: config.message_size_max,
            queue_size_max: config.send_queue_size_max,
        };
        let router = Arc::new(ClusterRouter::new(node.creation(), limits));
        node.attach(Arc::clone(&router) as Arc<_>);
        let view = Arc::new(View::new(router));
        let identity = Arc::new(Identity {
            local: node.clone(),
            node: node_id.clone(),
            creation: node.creation(),
            incarnation: Identity::first_incarnation(),
            static_key: StaticKey::generate(),
            keys: RwLock::new(Arc::new(config.keys.clone())),
            cluster_name: config.cluster_name.clone(),
            speech: config.speech,
        });
        let secret_rules = config.secret_rules.clone();
        let secret_watch = config.secret_file.clone().map(|path| {
            let (rules, identity) = (secret_rules.clone(), Arc::downgrade(&identity));
            let watch = SecretWatch::new(path, rules, &config.keys, identity);
            Subscription::new(spawn_on(&runtime, watch.run()))
        });
        let thread = Thread::start(ThreadParts {
            config,
            listener,
            identity: Arc::clone(&identity),
            node: node.clone(),
            view: Arc::clone(&view),
            runtime: runtime.clone(),
        });
        let started_at = tokio::time::Instant::now().into_std();
        Cluster(Arc::new(Inner {
            node_id,
            node: node.downgrade(),
            _informant: Informant::start(node),
            view,
            thread,
            identity,
            secret_rules,
            _secret_watch: secret_watch,
            runtime,
            started_at,
        }))
    }
}

impl Cluster {
    /// The longest that [`stop`](Self::stop) takes. The cluster's thread itself takes less: 0.5 s
    /// for sessions that are being opened, and 2 s for the leave.
    pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);

    /// Checks the configuration, binds the port and finds out the node's identity.
    ///
    /// # Errors
    /// [`BindError`] names what is wrong with the configuration, or why the port can't be bound.
    pub fn bind(config: ClusterConfig) -> Result<Bound, BindError> {
        let config = config.validate()?;
        let listener = address::listen(&config.listen, config.port)?;
        let port = listener
            .local_addr()
            .map_or(config.port, |address| address.port());
        let (host, port) = match config.advertise.clone() {
            Some(Advertise { host, port: given }) => (host, given.unwrap_or(port)),
            None => (address::own_host(&config.listen), port),
        };
        let node_id = NodeId::new(&config.name, &host, port)?;
        Ok(Bound {
            config,
            listener,
            node_id,
        })
    }

    /// How far the node has come.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.view.status()
    }

    /// Who this node is.
    #[must_use]
    pub fn local_node_id(&self) -> &NodeId {
        &self.0.node_id
    }

    /// How long the node has been in its cluster.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        tokio::time::Instant::now()
            .into_std()
            .duration_since(self.0.started_at)
    }

    /// The other nodes that are or were up, as far as they are remembered.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeInfo> {
        self.0.view.nodes()
    }

    /// The other nodes that are up.
    #[must_use]
    pub fn connected_nodes(&self) -> Vec<NodeId> {
        let snapshot = self.snapshot();
        let up = snapshot.connected_nodes();
        up.map(|node| node.id.clone()).collect()
    }

    /// What the node sees of its cluster now. It takes one lock and asks nobody.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            status: self.status(),
            local_node_id: self.local_node_id().clone(),
            uptime: self.uptime(),
            nodes: self.nodes(),
        }
    }

    /// Asks a member how it fares, over a session that is opened if there is none. What
    /// [`nodes`](Self::nodes) tell of it is more recent from then on as well.
    ///
    /// # Errors
    /// [`CallError::NoConnection`] if the node is not up or can't be reached, or is this node
    /// itself, of which [`snapshot`](Self::snapshot) tells; [`CallError::Timeout`] if it does not
    /// answer within 5 s.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answer.
    pub async fn node_info(&self, id: &NodeId) -> Result<NodeInfo, CallError> {
        let gone = || CallError::NoConnection { sent: false };
        let peer = self.0.view.peer(id).ok_or_else(gone)?;
        let node = self.0.node.upgrade().ok_or_else(gone)?;
        let facts = informant::ask(&node, peer.creation).await?;
        self.0.view.facts(&peer, facts, Duration::ZERO);
        self.0.view.node(id).ok_or_else(gone)
    }

    /// What the node counts.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.view.stats()
    }

    /// What happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        self.0.view.subscribe()
    }

    /// Calls `callback` for each node that comes up, until the subscription is dropped.
    pub fn on_node_up(&self, mut callback: impl FnMut(NodeInfo) + Send + 'static) -> Subscription {
        self.on_event(move |event| {
            if let ClusterEvent::NodeUp(node) = event {
                callback(node);
            }
        })
    }

    /// Calls `callback` for each node that goes down, until the subscription is dropped.
    pub fn on_node_down(
        &self,
        mut callback: impl FnMut(NodeId, NodeDownReason) + Send + 'static,
    ) -> Subscription {
        self.on_event(move |event| {
            if let ClusterEvent::NodeDown { id, reason } = event {
                callback(id, reason);
            }
        })
    }

    /// Calls `callback` for each change of status, until the subscription is dropped.
    pub fn on_status_change(
        &self,
        mut callback: impl FnMut(Status) + Send + 'static,
    ) -> Subscription {
        self.on_event(move |event| {
            if let ClusterEvent::StatusChanged(status) = event {
                callback(status);
            }
        })
    }

    /// Waits until the node is in a cluster, or runs alone because there is none to join.
    /// Returns at once if it has left.
    pub async fn running(&self) {
        let mut status = self.0.view.watch_status();
        // The view, and with it the sender, lives as long as this handle.
        let _status = status.wait_for(|status| *status != Status::Starting).await;
    }

    /// The node is about to end: its [status](Self::status) is [`Status::Stopping`] from now on.
    /// [`stop`](Self::stop) is to follow.
    pub fn prepare_stop(&self) {
        self.0.view.enter(Status::Stopping);
    }

    /// Replaces the secrets, at once and for every connection from now on: `current` is dialled
    /// with first, `previous` ones are accepted too. Open sessions go on: a node that joined with
    /// a secret that is no longer accepted stays until it [is disconnected](Self::disconnect) or
    /// restarted.
    ///
    /// To move a running cluster to a new secret, give each node in turn the new one with the old
    /// one behind it; when all have it, give each the new one alone. A node whose secrets come
    /// from a [file](ClusterConfig::secret_file) does this by itself when the file changes.
    ///
    /// # Errors
    /// [`ConfigError`] as at the start; the former secrets stay in force.
    ///
    /// # Examples
    /// ```
    /// use noex_cluster::{Cluster, ClusterConfig, Secret};
    /// use noex_core::LocalNode;
    ///
    /// # #[tokio::main(flavor = "multi_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let old = Secret::generate();
    /// let config = ClusterConfig::new("a").port(0).listen("127.0.0.1");
    /// let bound = Cluster::bind(config.secret(old.clone()))?;
    /// let node = LocalNode::start(bound.node_id().clone());
    /// let cluster = bound.start(&node);
    /// cluster.set_secrets(&Secret::generate(), &[old])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_secrets(&self, current: &Secret, previous: &[Secret]) -> Result<(), ConfigError> {
        let keys = self.0.secret_rules.keyring(Some(current), previous)?;
        self.0.identity.replace_keys(keys);
        Ok(())
    }

    /// Dials a member that is not connected, at once; also one that has left. Of what is asked for
    /// of one node faster than it can be done, the last counts.
    pub fn reconnect(&self, node: &NodeId) {
        self.0.thread.wish(Wish::Reconnect(node.clone()));
    }

    /// Ends the session with a member. To both it is as if the other had left, until one of them
    /// [reconnects](Self::reconnect).
    pub fn disconnect(&self, node: &NodeId) {
        self.0.thread.wish(Wish::Disconnect(node.clone()));
    }

    /// Leaves the cluster: sends what is queued, says goodbye to all, and ends the cluster's
    /// thread. It returns within [`STOP_TIMEOUT`](Self::STOP_TIMEOUT) even if nobody answers.
    ///
    /// # Cancel safety
    /// It begins when the future is first polled, and goes on when that is dropped.
    pub async fn stop(&self) {
        self.0.thread.wish(Wish::Leave);
        if tokio::time::timeout(Self::STOP_TIMEOUT, self.0.thread.ended())
            .await
            .is_err()
        {
            tracing::error!(node = %self.0.node_id, "the cluster's thread does not end");
        }
    }

    fn on_event(&self, callback: impl FnMut(ClusterEvent) + Send + 'static) -> Subscription {
        let node = self.0.node_id.clone();
        Subscription::to(self.subscribe(), node, &self.0.runtime, callback)
    }
}

// Beside this file, since one file and a folder of the same name are not one module here; a child,
// since it looks at what waits for a session.
#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
