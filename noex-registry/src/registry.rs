//! `Registry`: the cluster-wide names and groups, as one node sees them.

use std::fmt;
use std::sync::Arc;

use noex_core::{Creation, LocalNode, NameError, Pid, WeakNode};
use noex_gen_server::{GenServer, StartError};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::driver::Driver;
use crate::proto::{Input, is_name};
use crate::published::Published;
use crate::server::{NAME, RegistryServer};

/// The cluster-wide names and groups, as one node sees them.
///
/// Reads are local and take one shard's read lock. A registration is checked against what this
/// node knows, and then told to all others. [`Global`](crate::Global) and [`Group`](crate::Group)
/// are its names and groups on the current node.
///
/// # Examples
/// ```
/// use noex_core::process::SpawnOptions;
/// use noex_core::{ExitReason, LocalNode};
/// use noex_registry::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let registry = Registry::start(&node).await?;
/// let process = node.spawn::<(), _, _>(SpawnOptions::default(), |mut mailbox| async move {
///     mailbox.next().await;
///     ExitReason::Normal
/// });
/// registry.register("printer", process.pid())?;
/// assert_eq!(registry.whereis("printer"), Some(process.pid()));
/// # Ok(())
/// # }
/// ```
pub struct Registry {
    node: WeakNode,
    creation: Creation,
    /// Who holds which name and is in which group; written under the driver's lock only.
    published: Published,
    driver: Mutex<Driver>,
    /// The time of the next timeout is another one.
    pub(crate) rescheduled: Notify,
}

/// How many names and groups there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The names that are held, on any node.
    pub registrations: usize,
    /// Those of them that processes of this node hold.
    pub local_registrations: usize,
    /// The groups that have members, on any node.
    pub groups: usize,
}

impl Registry {
    /// Starts the registry of `node`: a server with the local name `noex.registry`.
    ///
    /// If it was started before and its process has ended, it goes on with what it knew.
    ///
    /// # Errors
    /// [`StartError::AlreadyStarted`] if it runs.
    pub async fn start(node: &LocalNode) -> Result<Arc<Self>, StartError> {
        let registry = Self::of(node).unwrap_or_else(|| Arc::new(Self::new(node)));
        RegistryServer::start(Arc::clone(&registry))
            .name(NAME)
            .on(node)
            .await?;
        Ok(registry)
    }

    /// The registry of `node`, if it was started.
    #[must_use]
    pub fn of(node: &LocalNode) -> Option<Arc<Self>> {
        node.extension()
    }

    /// The registry of the current node.
    #[must_use]
    pub fn current() -> Option<Arc<Self>> {
        Self::of(&LocalNode::current()?)
    }

    /// Claims a name for a process of this node. It is gone when the process or the node ends.
    ///
    /// A holder that is known to be dead is no obstacle: a process of this node that has ended, or
    /// one of a node that is not up any more.
    ///
    /// # Errors
    /// [`NameError`]; nothing changed. A process that holds the name already gets no error.
    ///
    /// # Delivery
    /// It returns after the check on this node. If another node registers the same name at the same
    /// moment, the older claim stays, and the process that loses ends with
    /// [`ExitReason::NameConflict`](noex_core::ExitReason::NameConflict).
    pub fn register(&self, name: &str, pid: Pid) -> Result<(), NameError> {
        self.claim(name, pid, None)
    }

    /// As [`register`](Self::register), where the present holder may be `dead`, a process that the
    /// caller knows to have ended. The new claim wins over that of `dead` on all nodes.
    ///
    /// # Errors
    /// [`NameError`]; nothing changed.
    pub fn register_replacing(&self, name: &str, pid: Pid, dead: Pid) -> Result<(), NameError> {
        self.claim(name, pid, Some(dead))
    }

    /// Takes a name away from its holder, on whichever node that is. The holder goes on. Returns
    /// who it was.
    ///
    /// # Delivery
    /// A holder of another node loses the name when its node hears of it, at most once.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        let node = self.node.upgrade()?;
        let mut driver = self.driver.lock();
        let holder = driver.holder(name);
        let name = name.into();
        self.feed(&mut driver, &node, Input::Unregister { name });
        holder
    }

    /// Begins to hand the names of this node's processes over, before the node stops. From now on
    /// processes of other nodes can take them. Until one does, calls by such a name wait on the
    /// other nodes, within their deadlines, while processes of this node still find each other.
    /// Its processes are in no groups any more, and join none.
    ///
    /// Waits until all nodes with which there is a session have confirmed that they know, and
    /// send no more calls by these names; give it a time-out.
    ///
    /// # Cancel safety
    /// The names stay handed over when the future is dropped.
    pub async fn drain(&self) {
        let Some(node) = self.node.upgrade() else {
            return;
        };
        let asked = node.router().connected().into_iter().collect();
        let drained = self.driver.lock().drained();
        let all_know = drained.notified();
        self.handle(&node, Input::Drain { asked });
        all_know.await;
    }

    /// Takes all names and groups of this node's processes away: its work goes elsewhere.
    pub fn unregister_all(&self) {
        if let Some(node) = self.node.upgrade() {
            self.handle(&node, Input::Withdraw);
        }
    }

    /// Makes a process of this node a member of a group, until it leaves or ends. One that joins
    /// several times is one member, which has to leave as many times.
    ///
    /// # Errors
    /// [`NameError::NoProcess`] or [`NameError::Invalid`]; nothing changed.
    ///
    /// # Delivery
    /// It is a member on this node at once, and on the others when they hear of it. While the node
    /// [drains](Self::drain), nobody becomes a member.
    pub fn join(&self, group: &str, pid: Pid) -> Result<(), NameError> {
        let node = self.node_of(group, pid)?;
        let group = group.into();
        self.handle(&node, Input::Join { group, pid });
        Ok(())
    }

    /// Takes one join of a process of this node back. Whether there was one.
    pub fn leave(&self, group: &str, pid: Pid) -> bool {
        let Some(node) = self.node.upgrade() else {
            return false;
        };
        let mut driver = self.driver.lock();
        let was_member = pid.creation() == self.creation && self.published.is_member(group, pid);
        if was_member {
            let group = group.into();
            self.feed(&mut driver, &node, Input::Leave { group, pid });
        }
        was_member
    }

    /// Posts each change of a group from now on to `watcher`, a process of this node, as a
    /// [`GroupEvent`](crate::GroupEvent), until it ends. The members now; who watches the group
    /// already gets them again, and each change once.
    ///
    /// # Errors
    /// [`NameError::NoProcess`] or [`NameError::Invalid`]; nothing changed.
    pub fn monitor_group(&self, group: &str, watcher: Pid) -> Result<Vec<Pid>, NameError> {
        let node = self.node_of(group, watcher)?;
        let mut driver = self.driver.lock();
        let input = Input::WatchGroup {
            group: group.into(),
            watcher,
        };
        self.feed(&mut driver, &node, input);
        Ok(self.published.members(group))
    }

    /// Posts no change of a group to `watcher` any more. What it has in its mailbox stays there.
    pub fn demonitor_group(&self, group: &str, watcher: Pid) {
        if let Some(node) = self.node.upgrade() {
            let group = group.into();
            self.handle(&node, Input::UnwatchGroup { group, watcher });
        }
    }

    /// Whether nobody holds the name now, but somebody may soon: its holder's node is stopping.
    pub(crate) fn is_awaited(&self, name: &str) -> bool {
        self.published.is_awaited(name)
    }

    /// Waits until a process holds the name that is not of the node `but`.
    pub(crate) async fn found(&self, name: &str, but: Option<Creation>) {
        self.published.found(name, but).await;
    }

    /// The process that holds a name. Nobody does on other nodes when its own is
    /// [draining](Self::drain).
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.published.holder(name)
    }

    /// All names and who holds them, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<(Arc<str>, Pid)> {
        self.published.names()
    }

    /// The members of a group on all nodes, each once, sorted.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<Pid> {
        self.published.members(group)
    }

    /// The members of a group that are processes of this node, each once, sorted.
    #[must_use]
    pub fn local_members(&self, group: &str) -> Vec<Pid> {
        self.published.members_of(group, self.creation)
    }

    /// All groups that have members, sorted.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<str>> {
        self.published.groups()
    }

    /// How many names and groups there are.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.published.stats(self.creation)
    }

    pub(crate) fn new(node: &LocalNode) -> Self {
        Self {
            node: node.downgrade(),
            creation: node.creation(),
            published: Published::default(),
            driver: Mutex::new(Driver::new(node.creation())),
            rescheduled: Notify::new(),
        }
    }

    pub(crate) fn claim(
        &self,
        name: &str,
        pid: Pid,
        replaces: Option<Pid>,
    ) -> Result<(), NameError> {
        let node = self.node_of(name, pid)?;
        let mut driver = self.driver.lock();
        while let Some(loss) = driver.holder(name).and_then(|holder| loss(&node, holder)) {
            self.feed(&mut driver, &node, loss);
        }
        let input = Input::Register {
            name: name.into(),
            pid,
            replaces,
        };
        match self.feed(&mut driver, &node, input) {
            Some(holder) => Err(NameError::Taken(holder)),
            None => Ok(()),
        }
    }

    /// This node, if the name is one and the process runs here.
    fn node_of(&self, name: &str, pid: Pid) -> Result<LocalNode, NameError> {
        if !is_name(name) {
            return Err(NameError::Invalid);
        }
        let node = self.node.upgrade().ok_or(NameError::NoProcess)?;
        if !node.is_alive(pid) {
            return Err(NameError::NoProcess);
        }
        Ok(node)
    }

    /// The server `server` runs from now on, on `node`.
    pub(crate) fn begin(&self, node: &LocalNode, server: Pid) {
        let peers = node.monitor_nodes(server);
        let up: Vec<Creation> = peers.iter().map(|peer| peer.creation).collect();
        let mut driver = self.driver.lock();
        for input in driver.begin(node, server, &up) {
            self.feed(&mut driver, node, input);
        }
    }

    pub(crate) fn handle(&self, node: &LocalNode, input: Input) {
        self.feed(&mut self.driver.lock(), node, input);
    }

    pub(crate) fn handle_timeout(&self, node: &LocalNode) {
        self.driver.lock().handle_timeout(node, &self.published);
        self.rescheduled.notify_one();
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.driver.lock().timeout()
    }

    /// The process that stands in the way, if the input is a registration that was refused.
    fn feed(
        &self,
        driver: &mut MutexGuard<'_, Driver>,
        node: &LocalNode,
        input: Input,
    ) -> Option<Pid> {
        let before = driver.timeout();
        let refused_by = driver.handle_input(input, node, &self.published);
        if driver.timeout() != before {
            self.rescheduled.notify_one();
        }
        refused_by
    }
}

/// What the registry has yet to be told if `holder` is known to be dead.
fn loss(node: &LocalNode, holder: Pid) -> Option<Input> {
    let creation = holder.creation();
    if creation == node.creation() {
        let ended = !node.is_alive(holder);
        return ended.then_some(Input::ProcessEnded { pid: holder });
    }
    let down = node.node_of(creation).is_none();
    down.then_some(Input::NodeDown { node: creation })
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({:?} of {})", self.published, self.creation)
    }
}
