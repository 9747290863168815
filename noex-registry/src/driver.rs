//! `Driver`: performs what the machine decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use noex_core::mailbox::Info;
use noex_core::{CallError, Creation, ExitReason, LocalNode, MonitorRef, Pid, Target};
use noex_gen_server::{Address, CastError, Dest, GenServer};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::proto::{GroupEvent, Input, Letter, Machine, Message, Now, Output};
use crate::published::Published;
use crate::server::{NAME, RegistryServer};

/// The machine, and what its outputs need. It stands behind a lock: outputs are performed in the
/// order in which they were decided, and none of them blocks.
#[derive(Debug)]
pub(crate) struct Driver {
    machine: Machine,
    /// The registry's process, which watches the processes that have names or are in groups.
    server: Option<Pid>,
    monitors: BTreeMap<Pid, MonitorRef>,
    /// All that had to confirm that this node drains have, or are down.
    drained: Arc<Notify>,
}

impl Driver {
    pub(crate) fn new(me: Creation) -> Self {
        Self {
            machine: Machine::new(me, now()),
            server: None,
            monitors: BTreeMap::new(),
            drained: Arc::default(),
        }
    }

    /// The process `server` takes over; `up` are the nodes that are up. What the machine must be
    /// told first.
    pub(crate) fn begin(&mut self, node: &LocalNode, server: Pid, up: &[Creation]) -> Vec<Input> {
        self.server = Some(server);
        let watched: BTreeSet<Pid> = self.machine.watched().collect();
        let monitored = watched.into_iter();
        self.monitors = monitored
            .map(|pid| (pid, node.monitor(server, pid)))
            .collect();
        let gone = self.machine.nodes().filter(|node| !up.contains(node));
        let gone = gone.map(|node| Input::NodeDown { node });
        let up = up.iter().map(|node| Input::NodeUp { node: *node });
        gone.chain(up).chain([neighbours_of(node)]).collect()
    }

    /// Returns who holds the name already, if a registration was refused.
    pub(crate) fn handle_input(
        &mut self,
        input: Input,
        node: &LocalNode,
        published: &Published,
    ) -> Option<Pid> {
        self.machine.handle_input(input, now());
        self.perform(node, published)
    }

    pub(crate) fn handle_timeout(&mut self, node: &LocalNode, published: &Published) {
        self.machine.handle_timeout(now());
        self.perform(node, published);
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout().map(Instant::from_std)
    }

    /// Told when all that had to confirm that this node drains have, or are down.
    pub(crate) fn drained(&self) -> Arc<Notify> {
        Arc::clone(&self.drained)
    }

    pub(crate) fn holder(&self, name: &str) -> Option<Pid> {
        self.machine.holder(name)
    }

    fn perform(&mut self, node: &LocalNode, published: &Published) -> Option<Pid> {
        let mut refused_by = None;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Publish { name, holder } => published.name(name, holder),
                Output::Await { name, is_awaited } => published.set_awaited(name, is_awaited),
                Output::Drained => self.drained.notify_waiters(),
                Output::Regroup(event) => published.regroup(event),
                Output::Tell { watcher, event } => tell(node, watcher, event),
                Output::Refused { holder } => refused_by = Some(holder),
                Output::Watch { pid } => self.watch(node, pid),
                Output::Unwatch { pid } => self.unwatch(node, pid),
                Output::Evict { pid } => evict(node, pid),
                Output::Flood { to, message } => flood(node, &to, &message),
                Output::Send { to, message } => send(node, to, message),
                Output::Drifted { node } => {
                    tracing::warn!(%node, "that node's wall clock is more than 10 s ahead of ours");
                }
            }
        }
        refused_by
    }

    fn watch(&mut self, node: &LocalNode, pid: Pid) {
        if let Some(server) = self.server {
            self.monitors.insert(pid, node.monitor(server, pid));
        }
    }

    fn unwatch(&mut self, node: &LocalNode, pid: Pid) {
        if let (Some(server), Some(monitor)) = (self.server, self.monitors.remove(&pid)) {
            node.demonitor(server, monitor);
        }
    }
}

/// Whom news is passed on to now.
pub(crate) fn neighbours_of(node: &LocalNode) -> Input {
    Input::Neighbours {
        nodes: node.neighbours().into_iter().collect(),
        message_size_max: node.router().message_size_max(),
    }
}

fn evict(node: &LocalNode, pid: Pid) {
    tracing::warn!(%pid, "a process lost its name to an older claim");
    if let Err(error) = node.exit(node.pid(), pid, ExitReason::NameConflict) {
        tracing::debug!(%pid, %error, "a process of this node is always reached");
    }
}

/// A watcher that ends meanwhile needs no news.
fn tell(node: &LocalNode, watcher: Pid, event: GroupEvent) {
    if !node.post(watcher, Info::Other(Box::new(event))) {
        tracing::debug!(pid = %watcher, "who watches a group has ended");
    }
}

fn flood(node: &LocalNode, to: &[Creation], message: &Message) {
    let payload = rmp_serde::to_vec_named(message).expect("plain data can be encoded");
    node.flood(to, NAME, &payload.into());
}

/// Sends to the registry of another node. What is lost is repaired when versions are compared.
fn send(node: &LocalNode, to: Creation, message: Message) {
    let namesake = Namesake { node, to };
    let from = node.creation();
    match RegistryServer::cast(namesake, Letter { from, message }) {
        Ok(()) => {}
        // Nothing repairs that: it is as large the next time.
        Err(CastError::Other(_, error @ CallError::TooLarge { .. })) => tracing::warn!(
            node = %to, %error,
            "what the registry has to say is never sent; raise message_size_max"
        ),
        Err(error) => {
            tracing::debug!(node = %to, %error, "a message to a registry was not sent");
        }
    }
}

/// The registry of another node.
#[derive(Clone, Copy)]
struct Namesake<'a> {
    node: &'a LocalNode,
    to: Creation,
}

impl Dest<RegistryServer> for Namesake<'_> {
    fn resolve(&self) -> Result<Address<RegistryServer>, CallError> {
        Ok(Address::Remote {
            node: self.node.clone(),
            target: Target::Named {
                node: self.to,
                name: NAME.into(),
            },
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "which of two claims on two nodes is older can only be told by the wall clock; \
              the machine bears its jumps"
)]
fn now() -> Now {
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Now {
        at: Instant::now().into_std(),
        // A wall clock before 1970 counts as 1970.
        wall: wall.unwrap_or(Duration::ZERO),
    }
}
