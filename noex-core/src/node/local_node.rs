//! `LocalNode`: one running node, and the one place that asks where a process lives.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::burdens::Burdens;
use super::extensions::Extensions;
use super::observe::Observers;
use super::peer_table::PeerTable;
use crate::call::{Deadlines, DeadlockNews, InboundCalls, PendingCalls, SkipCounters};
use crate::exit::ExitReason;
use crate::id::{Creation, NodeId, Pid};
use crate::inspect::trace_ended;
use crate::process::{
    AnyProcess, EnterGuard, FindError, Process, bind_thread, current_node, enter_node, install_hook,
};
use crate::router::{NoRouter, RouteError, Router};
use crate::signal::{Signal, Target};
use crate::task;
use crate::timer::Timers;

/// The serial number that stands for the node itself, as in monitors set by no process.
pub(super) const NODE_SERIAL: u64 = 0;

/// One running node; a cheap handle. Several can live in one program.
///
/// # Examples
/// ```
/// use noex_core::LocalNode;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
/// let _inside = node.enter();
/// assert_eq!(LocalNode::current().unwrap().id(), node.id());
/// # }
/// ```
#[derive(Clone)]
pub struct LocalNode(Arc<Inner>);

pub(super) struct Inner {
    id: NodeId,
    creation: Creation,
    started: Instant,
    runtime: Handle,
    serial: AtomicU64,
    pub(super) processes: DashMap<u64, Arc<dyn AnyProcess>, RandomState>,
    pub(super) names: DashMap<Arc<str>, Pid, foldhash::quality::RandomState>,
    pub(super) observers: Observers,
    pub(super) peers: Mutex<PeerTable>,
    pub(super) burdens: Mutex<Burdens>,
    pub(super) pending: PendingCalls,
    pub(super) dead_letters: AtomicU64,
    /// New calls of other nodes are refused.
    pub(super) draining: AtomicBool,
    skipped: SkipCounters,
    pub(super) extensions: Extensions,
    inbound: InboundCalls,
    deadlines: Arc<Deadlines>,
    deadlock_news: DeadlockNews,
    router: RwLock<Arc<dyn Router>>,
    timers: Arc<Timers>,
    timers_task: tokio::task::AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.timers_task.abort();
        self.deadlines.close();
    }
}

impl LocalNode {
    /// Starts a node in the current tokio runtime, under a new creation.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(id: NodeId) -> Self {
        install_hook();
        let runtime = Handle::current();
        let deadlines = Arc::new(Deadlines::new());
        let timers = Arc::new(Timers::new());
        let ticking = Arc::clone(&timers);
        let timers_task = task::spawn_on(&runtime, async move { ticking.run().await });
        let node = Self(Arc::new(Inner {
            id,
            creation: Creation::random(),
            started: Instant::now(),
            runtime,
            serial: AtomicU64::new(NODE_SERIAL),
            processes: DashMap::default(),
            names: DashMap::default(),
            observers: Observers::default(),
            peers: Mutex::default(),
            burdens: Mutex::default(),
            pending: PendingCalls::default(),
            dead_letters: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            skipped: SkipCounters::default(),
            extensions: Extensions::default(),
            inbound: InboundCalls::default(),
            deadlines,
            deadlock_news: DeadlockNews::new(),
            router: RwLock::new(Arc::new(NoRouter::default())),
            timers,
            timers_task: timers_task.abort_handle(),
        }));
        let (sweep, weak) = (Arc::clone(&node.0.deadlines), node.downgrade());
        // It ends by itself, with the last call of the node.
        drop(task::spawn_on(node.runtime(), async move {
            sweep.run(weak).await;
        }));
        node
    }

    /// The node that the running code belongs to: the one of its process, the one that was
    /// [entered](Self::enter), or the one that the thread is [bound](Self::bind_thread) to.
    #[must_use]
    pub fn current() -> Option<Self> {
        current_node()
    }

    /// Makes this the current node of the thread until the guard is dropped.
    #[must_use = "the node is current while the guard lives"]
    pub fn enter(&self) -> EnterGuard {
        enter_node(self.clone())
    }

    /// Binds the calling thread to the node that `cell` holds, or will hold. A runtime calls it on
    /// each of its threads, so that tasks which belong to no process have a current node.
    pub fn bind_thread(cell: Arc<OnceLock<Self>>) {
        bind_thread(cell);
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

    /// How long the node has been running.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// How many processes run.
    #[must_use]
    pub fn process_count(&self) -> usize {
        self.0.processes.len()
    }

    /// How many of its processes' calls wait for an answer from another node.
    #[must_use]
    pub fn pending_calls(&self) -> usize {
        self.0.pending.len()
    }

    /// How many calls of other nodes it has yet to answer.
    #[must_use]
    pub fn calls_in_flight(&self) -> usize {
        self.0.inbound.len()
    }

    /// How many casts and floods found no process, or no room.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.0.dead_letters.load(Ordering::Relaxed)
    }

    /// Sets the outbound edge.
    pub fn attach(&self, router: Arc<dyn Router>) {
        *self.0.router.write() = router;
    }

    /// Takes the outbound edge away: no other node can be reached any more.
    pub fn detach(&self) {
        self.attach(Arc::new(NoRouter::default()));
    }

    /// The outbound edge.
    #[must_use]
    pub fn router(&self) -> Arc<dyn Router> {
        Arc::clone(&self.0.router.read())
    }

    /// Sends `payload` to the process named `topic` on each of the nodes `to`, most often the
    /// [`neighbours`](Self::neighbours), which pass on what is news to them.
    ///
    /// # Delivery
    /// At most once: what can't be sent, or finds no room, is dropped. Who floods compares what it
    /// knows with others now and then.
    pub fn flood(&self, to: &[Creation], topic: &str, payload: &Bytes) {
        let name: Arc<str> = topic.into();
        for node in to.iter().copied() {
            let flood = Signal::Flood {
                from: self.0.creation,
                payload: payload.clone(),
            };
            let name = Arc::clone(&name);
            let sent = self.send(&Target::Named { node, name }, flood);
            if let Err(error @ RouteError::TooLarge { .. }) = sent {
                tracing::warn!(peer = %node, topic, %error, "flood not sent");
            } else if let Err(error) = sent {
                tracing::debug!(peer = %node, topic, %error, "flood not sent");
            }
        }
    }

    /// The nodes that news goes to first. Whoever is up is reached if each passes news on.
    #[must_use]
    pub fn neighbours(&self) -> Vec<Creation> {
        self.router().neighbours()
    }

    /// Sends a signal to wherever its target lives.
    ///
    /// # Errors
    /// [`RouteError`] if the target is on another node and the signal was not sent. A target of
    /// this node that does not exist is no error: who asked for an answer is told.
    pub fn send(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        if to.creation() == self.0.creation {
            self.deliver(self.0.creation, to, signal);
            return Ok(());
        }
        self.router().route(to, signal)
    }

    /// The process `pid` of this node, if it runs.
    ///
    /// # Errors
    /// [`FindError`] tells a process that is not there from one that takes other messages.
    pub fn find<M: Send + 'static>(&self, pid: Pid) -> Result<Arc<Process<M>>, FindError> {
        let process = self.process(pid).ok_or(FindError::NoProcess)?;
        let process: Arc<dyn Any + Send + Sync> = process.into_any();
        process
            .downcast()
            .map_err(|_other| FindError::OtherMessages)
    }

    /// Whether `pid` is a process of this node that runs.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.process(pid).is_some()
    }

    /// Waits until the process `pid`, here or on another node, has ended.
    pub fn ended(&self, pid: Pid) -> super::Ended {
        super::Ended::of(self, pid)
    }

    /// A value of type `T` that was put on this node, such as a registry.
    #[must_use]
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.extensions.find()
    }

    /// Puts a value on this node, in the place of one of the same type.
    pub fn extend<T: Any + Send + Sync>(&self, value: Arc<T>) {
        self.0.extensions.insert(value);
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    pub(crate) fn deadlines(&self) -> &Deadlines {
        &self.0.deadlines
    }

    pub(crate) fn deadlock_news(&self) -> &DeadlockNews {
        &self.0.deadlock_news
    }

    pub(super) fn timers(&self) -> &Timers {
        &self.0.timers
    }

    pub(crate) fn inbound_calls(&self) -> &InboundCalls {
        &self.0.inbound
    }

    pub(crate) fn skip_counters(&self) -> &SkipCounters {
        &self.0.skipped
    }

    pub(crate) fn next_pid(&self) -> Pid {
        let serial = self.0.serial.fetch_add(1, Ordering::Relaxed) + 1;
        Pid::new(self.0.creation, serial)
    }

    pub(crate) fn process_started(&self, process: Arc<dyn AnyProcess>) {
        self.0.processes.insert(process.pid().serial(), process);
    }

    pub(crate) fn process(&self, pid: Pid) -> Option<Arc<dyn AnyProcess>> {
        if pid.creation() != self.0.creation {
            return None;
        }
        self.0
            .processes
            .get(&pid.serial())
            .map(|entry| Arc::clone(&entry))
    }

    /// The processes that run now, in the order in which they were started.
    #[must_use]
    pub fn processes(&self) -> Vec<Pid> {
        let creation = self.0.creation;
        let mut serials: Vec<u64> = self.0.processes.iter().map(|entry| *entry.key()).collect();
        serials.sort_unstable();
        serials
            .into_iter()
            .map(|serial| Pid::new(creation, serial))
            .collect()
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// A handle that does not keep the node.
    #[must_use]
    pub fn downgrade(&self) -> WeakNode {
        WeakNode(Arc::downgrade(&self.0))
    }

    /// The pid that stands for the node itself where no process does.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::new(self.0.creation, NODE_SERIAL)
    }

    pub(crate) fn process_ended(&self, process: &dyn AnyProcess, reason: &ExitReason) {
        trace_ended(process, reason);
        // Whoever does not find the process must not find its names either.
        self.free_names(process);
        self.0.processes.remove(&process.pid().serial());
        self.0.timers.forget(process.pid());
        self.bereave(process, reason);
        process.end(reason).tell(reason);
    }
}

/// A handle to a node that does not keep it.
#[derive(Clone)]
pub struct WeakNode(Weak<Inner>);

impl WeakNode {
    /// No node.
    #[cfg(all(test, not(noex_loom)))]
    pub(crate) const fn none() -> Self {
        Self(Weak::new())
    }

    /// The node, if somebody still has it.
    #[must_use]
    pub fn upgrade(&self) -> Option<LocalNode> {
        self.0.upgrade().map(LocalNode)
    }
}

impl fmt::Debug for WeakNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakNode")
    }
}

/// So that whatever wraps a node can stand where a node is asked for.
impl AsRef<Self> for LocalNode {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for LocalNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalNode({} {})", self.0.id, self.0.creation)
    }
}
