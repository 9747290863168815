//! Cluster-wide names as destinations, as names to start under, and on the current node.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use noex_core::{CallError, Creation, LocalNode, NameError, Pid};
use noex_gen_server::{Address, Dest, GenServer, Name, Successor, Whereis};

use crate::Registry;

/// Claims a name for a process of the current node, as [`Registry::register`].
///
/// # Errors
/// [`NameError`]; nothing changed. [`NameError::NoProcess`] also outside of any node, and where no
/// registry was started.
pub fn register(name: &str, pid: Pid) -> Result<(), NameError> {
    let node = LocalNode::current().ok_or(NameError::NoProcess)?;
    claim(&node, name, pid, None)
}

/// Takes a name away from its holder, as [`Registry::unregister`]. Returns who it was.
pub fn unregister(name: &str) -> Option<Pid> {
    registry_of(&LocalNode::current()?)?.unregister(name)
}

/// The process that holds a name, as the current node sees it.
#[must_use]
pub fn whereis(name: &str) -> Option<Pid> {
    registry_of(&LocalNode::current()?)?.whereis(name)
}

/// A cluster-wide name: to call whoever holds it, or to start a server under it.
///
/// A call that the holder's node refuses because it is stopping waits for the next holder, up to
/// its deadline, and fails with [`CallError::Draining`] if there is none by then.
///
/// # Examples
/// ```
/// use noex_core::{ExitReason, LocalNode, ReplyTo};
/// use noex_gen_server::{Context, Flow, GenServer};
/// use noex_registry::{Global, Registry};
///
/// struct Answer;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Ask(ReplyTo<u64>);
///
/// impl GenServer for Answer {
///     type Args = ();
///     type Call = Ask;
///     type Cast = ();
///
///     async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
///         Ok(Self)
///     }
///
///     async fn handle_call(&mut self, Ask(reply): Ask, _cx: &mut Context<Self>) -> Flow {
///         reply.send(42);
///         Flow::Continue
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let _inside = node.enter();
/// Registry::start(&node).await?;
/// Answer::start(()).name(Global("answer")).await?;
/// assert_eq!(Answer::call(Global("answer"), Ask).await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a transparent wrapper")]
pub struct Global<N: AsRef<str>>(pub N);

impl Global<String> {
    /// A claim to `name`, which may also [replace](GlobalClaim::replacing) that of a dead process.
    pub fn claim(name: impl Into<String>) -> GlobalClaim {
        GlobalClaim {
            name: name.into(),
            replaces: None,
        }
    }
}

impl<S: GenServer, N: AsRef<str>> Dest<S> for Global<N> {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        let node = LocalNode::current().ok_or(CallError::NoNode)?;
        let registry = registry_of(&node).ok_or(CallError::NoProcess)?;
        let name = self.0.as_ref();
        match registry.whereis(name) {
            Some(holder) => Address::of_pid(node, holder),
            None if registry.is_awaited(name) => Err(CallError::Draining),
            None => Err(CallError::NoProcess),
        }
    }

    fn moves(&self) -> bool {
        true
    }

    fn successor(&self, refused_by: Option<Creation>) -> Option<Successor> {
        let registry = registry_of(&LocalNode::current()?)?;
        let name = self.0.as_ref().to_owned();
        Some(Box::pin(async move {
            registry.found(&name, refused_by).await;
        }))
    }
}

impl<N: AsRef<str>> Whereis for Global<N> {
    fn whereis(&self, node: &LocalNode) -> Option<Pid> {
        registry_of(node)?.whereis(self.0.as_ref())
    }
}

impl Name for Global<String> {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        claim(node, &self.0, pid, None)
    }
}

impl Name for Global<&'static str> {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        claim(node, self.0, pid, None)
    }
}

/// A cluster-wide name to start a server under, in the place of a process known to be dead; made
/// by [`Global::claim`].
///
/// Whoever restarts a process on another node may learn of its end before the registry there does.
/// The claim of the dead process is then no obstacle, on no node, however old it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct GlobalClaim {
    /// The name.
    pub name: String,
    /// The former holder, which has ended.
    pub replaces: Option<Pid>,
}

impl GlobalClaim {
    /// The claim wins over that of `dead`, which has ended.
    #[must_use]
    pub const fn replacing(mut self, dead: Pid) -> Self {
        self.replaces = Some(dead);
        self
    }
}

impl Name for GlobalClaim {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        claim(node, &self.name, pid, self.replaces)
    }
}

impl<N: AsRef<str>> fmt::Display for Global<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

fn claim(node: &LocalNode, name: &str, pid: Pid, replaces: Option<Pid>) -> Result<(), NameError> {
    let registry = registry_of(node).ok_or(NameError::NoProcess)?;
    registry.claim(name, pid, replaces)
}

/// Warns once: without a registry no name is ever found, which looks like a missing process.
pub(crate) fn registry_of(node: &LocalNode) -> Option<Arc<Registry>> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let registry = Registry::of(node);
    if registry.is_none() && !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(node = %node.id(), "no registry was started: see Registry::start");
    }
    registry
}
