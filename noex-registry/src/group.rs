//! `Group`: a group of processes as a name to start under, and on the current node.

use std::fmt;

use noex_core::{CallError, LocalNode, NameError, Pid};
use noex_gen_server::{DestMany, GenServer, Name};

use crate::global::registry_of;

/// A group of processes, on any nodes of the cluster: OTP's `pg`.
///
/// A group is there while it has members. A process can be in many groups. It leaves all of them
/// when it or its node ends. Every node knows all members, so that reading asks nobody; as with
/// names, it takes a moment until the others have heard of a change.
///
/// A process that joins a group several times has to leave it as many times. Unlike in `pg` it is
/// one member all the while: whoever sends to the members sends it one message.
///
/// [`call_many`](GenServer::call_many) and [`cast_many`](GenServer::cast_many) take it as the
/// address of all its members.
///
/// All methods are those of the current node's [`Registry`](crate::Registry), whose methods of the
/// same names have the rest of their contracts.
///
/// # Examples
/// ```
/// use noex_core::{ExitReason, LocalNode, ReplyTo};
/// use noex_gen_server::{Context, Flow, GenServer};
/// use noex_registry::{Group, Registry};
///
/// struct Worker(u32);
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// enum WorkerCall {
///     Load(ReplyTo<u32>),
/// }
///
/// impl GenServer for Worker {
///     type Args = u32;
///     type Call = WorkerCall;
///     type Cast = ();
///
///     async fn init(load: u32, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
///         Ok(Self(load))
///     }
///
///     async fn handle_call(&mut self, call: WorkerCall, _cx: &mut Context<Self>) -> Flow {
///         let WorkerCall::Load(reply) = call;
///         reply.send(self.0);
///         Flow::Continue
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let _inside = node.enter();
/// Registry::start(&node).await?;
/// let one = Worker::start(3).name(Group("workers")).await?;
/// let two = Worker::start(4).await?;
/// Group("workers").join(&two)?;
/// assert_eq!(Group("workers").members(), [one.pid(), two.pid()]);
/// let loads = Worker::call_many(Group("workers"), WorkerCall::Load).await?;
/// assert_eq!(loads.replies, [(one.pid(), 3), (two.pid(), 4)]);
/// Group("workers").leave(&one);
/// assert_eq!(Group("workers").members(), [two.pid()]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a transparent wrapper")]
pub struct Group<N: AsRef<str>>(pub N);

impl<N: AsRef<str>> Group<N> {
    /// Makes a process of the current node a member: a pid, or a reference to a server.
    ///
    /// # Errors
    /// [`NameError::NoProcess`] if it does not run on the current node, also outside of any node,
    /// and where no registry was started; [`NameError::Invalid`] if the group's name does not have
    /// 1 to 255 bytes. Nothing changed.
    pub fn join(&self, member: impl Into<Pid>) -> Result<(), NameError> {
        let node = LocalNode::current().ok_or(NameError::NoProcess)?;
        join(&node, self.0.as_ref(), member.into())
    }

    /// Takes one join of a process of the current node back. Whether there was one.
    pub fn leave(&self, member: impl Into<Pid>) -> bool {
        let node = LocalNode::current();
        let registry = node.and_then(|node| registry_of(&node));
        registry.is_some_and(|registry| registry.leave(self.0.as_ref(), member.into()))
    }

    /// Posts each change from now on to `watcher`, a process of the current node, as a
    /// [`GroupEvent`](crate::GroupEvent), until it ends. The members now.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn monitor(&self, watcher: impl Into<Pid>) -> Result<Vec<Pid>, NameError> {
        let node = LocalNode::current().ok_or(NameError::NoProcess)?;
        let registry = registry_of(&node).ok_or(NameError::NoProcess)?;
        registry.monitor_group(self.0.as_ref(), watcher.into())
    }

    /// Posts no change to `watcher` any more.
    pub fn demonitor(&self, watcher: impl Into<Pid>) {
        if let Some(registry) = LocalNode::current().and_then(|node| registry_of(&node)) {
            registry.demonitor_group(self.0.as_ref(), watcher.into());
        }
    }

    /// The members on all nodes, each once, sorted.
    #[must_use]
    pub fn members(&self) -> Vec<Pid> {
        let registry = LocalNode::current().and_then(|node| registry_of(&node));
        registry.map_or_else(Vec::new, |registry| registry.members(self.0.as_ref()))
    }

    /// The members that are processes of the current node, each once, sorted.
    #[must_use]
    pub fn local_members(&self) -> Vec<Pid> {
        let registry = LocalNode::current().and_then(|node| registry_of(&node));
        registry.map_or_else(Vec::new, |registry| registry.local_members(self.0.as_ref()))
    }
}

/// All members of the group, of whichever type they are.
impl<S: GenServer, N: AsRef<str>> DestMany<S> for Group<N> {
    type Each = Pid;

    fn resolve_many(&self) -> Result<Vec<(Pid, Pid)>, CallError> {
        if LocalNode::current().is_none() {
            return Err(CallError::NoNode);
        }
        DestMany::<S>::resolve_many(&self.members())
    }
}

/// The server joins before its `init` runs.
impl Name for Group<String> {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        join(node, &self.0, pid)
    }
}

/// The server joins before its `init` runs.
impl Name for Group<&'static str> {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        join(node, self.0, pid)
    }
}

impl<N: AsRef<str>> fmt::Display for Group<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

fn join(node: &LocalNode, group: &str, pid: Pid) -> Result<(), NameError> {
    let registry = registry_of(node).ok_or(NameError::NoProcess)?;
    registry.join(group, pid)
}
