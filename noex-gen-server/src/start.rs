//! `Start`: starts a server and waits for its `init`.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use noex_core::call::ReplyFuture;
use noex_core::mailbox::Overflow;
use noex_core::node::Ended;
use noex_core::process::{Process, SpawnOptions, current_pid};
use noex_core::{CallError, ExitReason, LocalNode, NameError, Pid};
use tokio::task::coop::poll_proceed;

use crate::inspect::nature;
use crate::run::{Birth, serve};
use crate::{GenServer, Request, ServerRef, StartError};

/// A name that a server can be started under. Implemented by local names and by registries.
///
/// # Examples
/// Names of which there may be many, told apart by a number:
/// ```
/// use noex_core::{LocalNode, NameError, Pid};
/// use noex_gen_server::Name;
///
/// #[derive(Debug)]
/// struct Shard(u32);
///
/// impl Name for Shard {
///     fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
///         node.register(&format!("shard-{}", self.0), pid)
///     }
/// }
/// ```
pub trait Name: fmt::Debug + Send + 'static {
    /// Registers `pid`, a process of `node`, under this name.
    ///
    /// # Errors
    /// [`NameError`]; nothing changed.
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError>;
}

impl Name for String {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        node.register(self, pid)
    }
}

impl Name for &'static str {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        node.register(self, pid)
    }
}

/// Starts a server and waits for its `init`; made by [`GenServer::start`].
///
/// # Errors
/// [`StartError`]; no process is left.
///
/// # Cancel safety
/// Dropping it before it is ready kills the server that was being started.
#[must_use = "nothing is started unless this is awaited"]
pub struct Start<S: GenServer> {
    plan: Option<Plan<S>>,
    born: Option<Born<S>>,
    failed: Option<(StartError, Ended)>,
}

struct Plan<S: GenServer> {
    args: S::Args,
    node: Option<LocalNode>,
    names: Vec<Box<dyn Name>>,
    options: SpawnOptions,
    linked: bool,
    timeout: Duration,
}

struct Born<S: GenServer> {
    process: Arc<Process<Request<S>>>,
    parent: Option<Pid>,
    ready: ReplyFuture<Result<(), StartError>>,
}

/// Nothing in it is ever pinned.
impl<S: GenServer> Unpin for Start<S> {}

impl<S: GenServer> Start<S> {
    pub(crate) fn new(args: S::Args) -> Self {
        let options = SpawnOptions::default();
        let names = Vec::new();
        let plan = Plan {
            args,
            node: None,
            names,
            options,
            linked: false,
            timeout: Duration::MAX,
        };
        Self {
            plan: Some(plan),
            born: None,
            failed: None,
        }
    }

    /// Registers the server under `name` before its `init` runs. May be given more than once.
    pub fn name(self, name: impl Name) -> Self {
        self.with(|plan| plan.names.push(Box::new(name)))
    }

    /// Starts it on `node`, in the place of the current one.
    pub fn on(self, node: &impl AsRef<LocalNode>) -> Self {
        self.with(|plan| plan.node = Some(node.as_ref().clone()))
    }

    /// Links it with the calling process.
    pub fn link(self) -> Self {
        self.with(|plan| plan.linked = true)
    }

    /// Links it with `parent`, which may be on another node.
    pub fn link_with(self, parent: Pid) -> Self {
        self.with(|plan| plan.options.link = Some(parent))
    }

    /// Bounds its mailbox to `messages`.
    pub fn mailbox_capacity(self, messages: NonZeroUsize) -> Self {
        self.with(|plan| plan.options.capacity = messages)
    }

    /// Leaves its mailbox unbounded: a server that is too slow then takes all memory.
    pub fn mailbox_unbounded(self) -> Self {
        self.mailbox_capacity(NonZeroUsize::MAX)
    }

    /// What happens to a message of this node that finds its mailbox full.
    pub fn mailbox_overflow(self, overflow: Overflow) -> Self {
        self.with(|plan| plan.options.overflow = overflow)
    }

    /// Waits for its `init` for at most `timeout`, then kills it. Unbounded at first.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|plan| plan.timeout = timeout)
    }

    fn with(mut self, change: impl FnOnce(&mut Plan<S>)) -> Self {
        if let Some(plan) = &mut self.plan {
            change(plan);
        }
        self
    }
}

impl<S: GenServer> Plan<S> {
    fn spawn(self, starter: &Waker) -> Result<Born<S>, StartError> {
        let Self {
            args,
            node,
            names,
            mut options,
            linked,
            timeout,
        } = self;
        let node = node.or_else(LocalNode::current).ok_or(StartError::NoNode)?;
        if linked {
            options.link = options.link.or_else(current_pid);
        }
        let (ready, told, _guard) = ReplyFuture::new(&node, timeout, starter);
        let parent = options.link;
        let birth = Birth {
            args,
            names,
            ready: told,
        };
        options.nature = nature::<S>();
        let process = node.spawn_started(options, |receiver| serve::<S>(receiver, birth));
        Ok(Born {
            process,
            parent,
            ready,
        })
    }
}

impl<S: GenServer> Born<S> {
    /// As in OTP, the link goes first: who gives a start up does not want to end with it.
    fn kill(&self) {
        let (node, pid) = (self.process.node(), self.process.pid());
        if let Some(parent) = self.parent {
            node.unlink(pid, parent);
        }
        if let Err(error) = node.exit(node.pid(), pid, ExitReason::Killed) {
            tracing::debug!(%pid, %error, "a server of this node is always reached");
        }
    }

    /// What became of `init`.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StartError>> {
        let error = match ready!(Pin::new(&mut self.ready).poll(cx)) {
            Ok(done) => return Poll::Ready(done),
            Err(CallError::Exited(reason)) => StartError::Init(reason),
            Err(CallError::Timeout) => StartError::Timeout,
            Err(error) => StartError::Init(ExitReason::error(error)),
        };
        self.kill();
        Poll::Ready(Err(error))
    }
}

impl<S: GenServer> Future for Start<S> {
    type Output = Result<ServerRef<S>, StartError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.plan.is_some() {
            // Whoever starts many, none of which waits for anything, must let others run.
            ready!(poll_proceed(cx)).made_progress();
        }
        if let Some(plan) = this.plan.take() {
            this.born = Some(plan.spawn(cx.waker())?);
        }
        if let Some(born) = &mut this.born {
            let outcome = ready!(born.poll_ready(cx));
            let process = Arc::clone(&born.process);
            this.born = None;
            match outcome {
                Ok(()) => return Poll::Ready(Ok(ServerRef::local(process))),
                Err(error) => this.failed = Some((error, process.ended())),
            }
        }
        // The starter may try again at once: the process and its names must be gone by then.
        if let Some((_, ended)) = &mut this.failed {
            let _reason = ready!(Pin::new(ended).poll(cx));
        }
        let error = this.failed.take().map(|(error, _)| error);
        Poll::Ready(Err(error.unwrap_or(StartError::NoNode)))
    }
}

impl<S: GenServer> Drop for Start<S> {
    fn drop(&mut self) {
        if let Some(born) = self.born.take() {
            born.kill();
        }
    }
}

impl<S: GenServer> fmt::Debug for Start<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("started", &self.born.is_some())
            .finish()
    }
}
