//! `Node`: a running node with its cluster, its registry and its spawner.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use noex_cluster::{Cluster, ClusterConfig};
use noex_core::process::EnterGuard;
use noex_core::{ExitReason, LocalNode, NodeId};
use noex_gen_server::{ServerRef, StartError};
use noex_registry::Registry;
use noex_supervisor::{ApplicationServer, Spawner};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long the end of a node waits until the nodes that it has sessions with know that its names
/// are to be had.
const NAMES_PATIENCE: Duration = Duration::from_millis(500);

/// How long the end of a node waits for its application to stop taking work, and for calls that it
/// has yet to answer.
const CALLS_PATIENCE: Duration = Duration::from_secs(5);

/// How long it waits for the children of the application to stop, for the application as a whole,
/// and for any other process.
const CHILDREN_PATIENCE: Duration = Duration::from_secs(9);
const APPLICATION_PATIENCE: Duration = Duration::from_secs(10);
const PROCESS_PATIENCE: Duration = Duration::from_secs(5);

/// When no process is waited for any more, since the end began: what the steps before leave of
/// their time is the processes'.
const PROCESSES_DEADLINE: Duration = Duration::from_secs(16);

/// The longest that the end of a node takes.
pub(crate) const STOP_TIMEOUT: Duration = PROCESSES_DEADLINE
    .saturating_add(LocalNode::KILL_TIMEOUT)
    .saturating_add(Cluster::STOP_TIMEOUT);

// However much the steps before take, the application has its time.
const _: () = assert!(
    NAMES_PATIENCE.as_millis() + CALLS_PATIENCE.as_millis() + APPLICATION_PATIENCE.as_millis()
        < PROCESSES_DEADLINE.as_millis()
);

/// A running node of a cluster; a cheap handle. It runs until it is [stopped](Self::stop) or its
/// last handle is dropped.
///
/// Dropped without a stop it does not end in order: its connections close, and to the other nodes
/// it has crashed (`connection_closed`).
///
/// Several can live in one program. Inside of its processes, under
/// [`#[noex::main]`](macro@crate::main), and while it is [entered](Self::enter) it is the
/// [current](Self::current) one.
///
/// # Examples
/// ```
/// use noex::{ClusterConfig, Node};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), noex::NodeError> {
/// let node = Node::start(ClusterConfig::new("a").port(0)).await?;
/// assert_eq!(node.id().name(), "a");
/// assert!(node.cluster().connected_nodes().is_empty());
/// node.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    local: LocalNode,
    cluster: Cluster,
    registry: Arc<Registry>,
    stopping: Mutex<bool>,
}

/// What the node keeps of its own handle.
struct Myself(Weak<Inner>);

/// Why a node did not start. Nothing of it is left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The configuration is wrong, or its port can't be used.
    #[error(transparent)]
    Cluster(#[from] noex_cluster::BindError),
    /// One of the node's own servers did not start.
    #[error("the node's own server did not start: {0}")]
    Server(#[from] StartError),
}

impl Node {
    /// Starts a node in the current tokio runtime: opens its port, starts its registry and
    /// spawner, and begins to look for the cluster. [`Cluster::running`] tells when it is joined.
    ///
    /// # Errors
    /// [`NodeError`], before anything can be seen from outside.
    pub async fn start(config: ClusterConfig) -> Result<Self, NodeError> {
        let bound = Cluster::bind(config)?;
        let local = LocalNode::start(bound.node_id().clone());
        let registry = Registry::start(&local).await?;
        Spawner::start(&local).await?;
        let cluster = bound.start(&local);
        let stopping = Mutex::new(false);
        let inner = Arc::new(Inner {
            local: local.clone(),
            cluster,
            registry,
            stopping,
        });
        local.extend(Arc::new(Myself(Arc::downgrade(&inner))));
        Ok(Self(inner))
    }

    /// The node that the running code belongs to.
    #[must_use]
    pub fn current() -> Option<Self> {
        let myself = LocalNode::current()?.extension::<Myself>()?;
        myself.0.upgrade().map(Self)
    }

    /// Makes this the current node of the thread until the guard is dropped.
    #[must_use = "the node is current while the guard lives"]
    pub fn enter(&self) -> EnterGuard {
        self.0.local.enter()
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        self.0.local.id()
    }

    /// Its processes.
    #[must_use]
    pub fn local(&self) -> &LocalNode {
        &self.0.local
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// The cluster-wide names.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Ends the node in order: [hands its names over](Registry::drain) (0.5 s), refuses new calls
    /// of other nodes with [`CallError::Draining`](crate::CallError::Draining), lets its
    /// [application](crate::run_application) stop taking work and waits for the calls that it has
    /// yet to answer (5 s), takes its names away, stops the application (10 s) and its other
    /// servers, the youngest first (16 s since the beginning; then they are killed), and
    /// [leaves the cluster](Cluster::stop) (3 s at most). All of it takes 20 s at most. The other
    /// nodes see a graceful shutdown. Every further call waits for the first.
    ///
    /// Calls by a [`Global`](crate::Global) name that it refuses wait for whoever takes the name on
    /// another node.
    ///
    /// # Cancel safety
    /// What was begun is not undone; call it again to go on.
    pub async fn stop(&self) {
        let mut stopped = self.0.stopping.lock().await;
        if *stopped {
            return;
        }
        let deadline = Instant::now() + PROCESSES_DEADLINE;
        let Inner {
            local,
            cluster,
            registry,
            ..
        } = &*self.0;
        tracing::info!(
            node = %self.id(), calls = local.calls_in_flight(),
            "the node stops: its names are handed over"
        );
        cluster.prepare_stop();
        if timeout(NAMES_PATIENCE, registry.drain()).await.is_err() {
            tracing::warn!(
                node = %self.id(),
                "not all nodes have confirmed that names are free; their calls may be refused"
            );
        }
        tracing::info!(node = %self.id(), "calls in flight are waited for, new ones are refused");
        local.drain();
        let application = ApplicationServer::of(local);
        let quiet = async {
            if let Some(application) = &application {
                take_no_work(application).await;
            }
            local.drained().await;
        };
        if timeout(CALLS_PATIENCE, quiet).await.is_err() {
            let calls = local.calls_in_flight();
            tracing::warn!(
                node = %self.id(), calls,
                "calls are still open; those that are not answered while the servers stop will fail"
            );
        }
        tracing::info!(node = %self.id(), "names are taken away, and servers stopped");
        registry.unregister_all();
        if let Some(application) = application {
            let stop = application.stop().reason(ExitReason::Shutdown);
            if let Err(error) = stop.timeout(APPLICATION_PATIENCE).await {
                tracing::warn!(node = %self.id(), %error, "the application has not stopped");
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let killed = local.stop_processes(PROCESS_PATIENCE, left).await;
        tracing::info!(node = %self.id(), killed, "the node leaves its cluster");
        cluster.stop().await;
        tracing::info!(node = %self.id(), "the node has stopped");
        *stopped = true;
    }
}

async fn take_no_work(application: &ServerRef<ApplicationServer>) {
    if let Err(error) = ApplicationServer::prepare_stop(application, CHILDREN_PATIENCE).await {
        tracing::warn!(%error, "the application has not prepared its stop");
    }
}

impl AsRef<LocalNode> for Node {
    fn as_ref(&self) -> &LocalNode {
        self.local()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.id())
    }
}
