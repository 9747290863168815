//! `Registry`: the cluster-wide names, as one node sees them.

use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;
use noex_core::{Creation, LocalNode, NameError, Pid, WeakNode};
use noex_gen_server::{GenServer, StartError};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::driver::Driver;
use crate::proto::{Input, is_name};
use crate::server::{NAME, RegistryServer};

/// The cluster-wide names, as one node sees them.
///
/// Reads are local and take one shard's read lock. A registration is checked against what this
/// node knows, and then told to all others.
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
    /// Who holds which name; written under the driver's lock only.
    holders: Holders,
    driver: Mutex<Driver>,
    /// The time of the next timeout is another one.
    pub(crate) rescheduled: Notify,
}

/// Names are chosen by users, so that their hash must be a good one.
pub(crate) type Holders = DashMap<Arc<str>, Pid, foldhash::quality::RandomState>;

/// How many names there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The names that are held, on any node.
    pub registrations: usize,
    /// Those of them that processes of this node hold.
    pub local_registrations: usize,
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

    /// Takes all names of this node's processes away: its work goes elsewhere.
    pub fn unregister_all(&self) {
        for (name, pid) in self.names() {
            if pid.creation() == self.creation {
                self.unregister(&name);
            }
        }
    }

    /// The process that holds a name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.holders.get(name).map(|holder| *holder)
    }

    /// All names and who holds them, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<(Arc<str>, Pid)> {
        let holders = self.holders.iter();
        let mut names: Vec<_> = holders
            .map(|entry| (Arc::clone(entry.key()), *entry))
            .collect();
        names.sort();
        names
    }

    /// How many names there are.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let is_local = |pid: Pid| pid.creation() == self.creation;
        let local = self.holders.iter().filter(|entry| is_local(**entry));
        Stats {
            registrations: self.holders.len(),
            local_registrations: local.count(),
        }
    }

    pub(crate) fn new(node: &LocalNode) -> Self {
        Self {
            node: node.downgrade(),
            creation: node.creation(),
            holders: Holders::default(),
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
        if !is_name(name) {
            return Err(NameError::Invalid);
        }
        let node = self.node.upgrade().ok_or(NameError::NoProcess)?;
        if !node.is_alive(pid) {
            return Err(NameError::NoProcess);
        }
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
        self.driver.lock().handle_timeout(node, &self.holders);
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
        let refused_by = driver.handle_input(input, node, &self.holders);
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
        write!(f, "Registry({} of {})", self.holders.len(), self.creation)
    }
}
