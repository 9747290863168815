//! `ChildSpec`: how to start a child, and what its end means.

use std::fmt;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use noex_core::{ExitReason, LocalNode, Pid};
use noex_gen_server::task::Task;
use noex_gen_server::{GenServer, Start, StartError};
use serde::{Deserialize, Serialize};

use crate::{Restart, Shutdown};

/// The name of a child within its supervisor.
pub(crate) type ChildId = Arc<str>;

/// A child that is being started.
pub(crate) type Starting = Pin<Box<dyn Future<Output = Result<Pid, StartError>> + Send>>;

/// Whether a child is a supervisor itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum ChildKind {
    /// It does the work.
    Worker,
    /// It has children of its own.
    Supervisor,
}

/// How to start a child, and what its end means. A value: clones are the same child.
///
/// A child whose `init` gives [`ExitReason::Normal`] as its error has nothing to do, on this
/// machine or with this configuration: that is no failure (OTP's `ignore`). Its supervisor goes on
/// without it, as if it had been stopped by hand.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Worker;
/// # impl GenServer for Worker {
/// #     type Args = u32;
/// #     type Call = ();
/// #     type Cast = ();
/// #     async fn init(_: u32, _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self) }
/// #     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow { Flow::Continue }
/// # }
/// use std::time::Duration;
///
/// use noex_supervisor::{ChildSpec, Restart, Shutdown};
///
/// let spec = ChildSpec::new("worker", || Worker::start(7).name("worker"))
///     .restart(Restart::Transient)
///     .shutdown(Shutdown::After(Duration::from_secs(1)));
/// assert_eq!(spec.id(), "worker");
/// ```
#[derive(Clone)]
#[must_use = "a specification starts nothing"]
pub struct ChildSpec {
    pub(crate) id: ChildId,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) kind: ChildKind,
    pub(crate) is_significant: bool,
    start: Arc<dyn Fn(Pid) -> Starting + Send + Sync>,
}

impl ChildSpec {
    /// A worker that is started by what `start` returns, each time anew. It is permanent, and has
    /// 5 s for its shutdown.
    ///
    /// A supervisor waits for the `init` of its child; bound it by
    /// [`Start::timeout`](noex_gen_server::Start::timeout) where it may hang.
    pub fn new<S: GenServer>(
        id: impl Into<Arc<str>>,
        start: impl Fn() -> Start<S> + Send + Sync + 'static,
    ) -> Self {
        let begin = move |parent| -> Starting {
            match made_by(&start) {
                Ok(start) => {
                    let started = start.link_with(parent);
                    Box::pin(async move { started.await.map(|server| server.pid()) })
                }
                Err(error) => Box::pin(ready(Err(error))),
            }
        };
        Self::started_by(id.into(), begin)
    }

    /// A [task](Task) that runs what `make` returns, each time anew. It is temporary, and has 5 s
    /// for its shutdown. It is started once it is spawned; nobody gets its value.
    ///
    /// # Examples
    /// ```
    /// use noex_supervisor::{ChildSpec, Restart, Supervisor};
    ///
    /// let warm_up = ChildSpec::task("warm up", || async { println!("warm") });
    /// let builder = Supervisor::builder().child(warm_up.restart(Restart::Transient));
    /// # drop(builder);
    /// ```
    pub fn task<F>(id: impl Into<Arc<str>>, make: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let begin = move |parent| -> Starting {
            let spawned = made_by(&make).and_then(|future| {
                let node = LocalNode::current().ok_or(StartError::NoNode)?;
                Ok(Task::spawn_child(&node, parent, None, future).pid())
            });
            Box::pin(ready(spawned))
        };
        Self::started_by(id.into(), begin).restart(Restart::Temporary)
    }

    pub(super) fn started_by(
        id: ChildId,
        start: impl Fn(Pid) -> Starting + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            restart: Restart::default(),
            shutdown: Shutdown::default(),
            kind: ChildKind::Worker,
            is_significant: false,
            start: Arc::new(start),
        }
    }

    /// As [`new`](Self::new), for a child that is a supervisor: its shutdown is
    /// [`Unlimited`](Shutdown::Unlimited), so that it can end its own children in order.
    pub fn supervisor<S: GenServer>(
        id: impl Into<Arc<str>>,
        start: impl Fn() -> Start<S> + Send + Sync + 'static,
    ) -> Self {
        Self::new(id, start).of_supervisor()
    }

    pub(super) fn of_supervisor(mut self) -> Self {
        self.kind = ChildKind::Supervisor;
        self.shutdown(Shutdown::Unlimited)
    }

    /// When it is started again; always, unless said.
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How it is ended; it is asked and has 5 s, unless said.
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Its supervisor may end when this child has ended by itself and for good; which one, and
    /// whether, says the supervisor's
    /// [`auto_shutdown`](crate::supervisor::SupervisorBuilder::auto_shutdown). A permanent child
    /// never ends for good, so with one this does nothing.
    pub const fn significant(mut self) -> Self {
        self.is_significant = true;
        self
    }

    /// Its name within its supervisor.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Starts it, linked with its supervisor.
    pub(crate) fn start(&self, parent: Pid) -> Starting {
        (self.start)(parent)
    }
}

/// What a closure that starts a child returns. It is user code; what it captured is shared, so it
/// may be called again after a panic.
fn made_by<T>(make: &impl Fn() -> T) -> Result<T, StartError> {
    catch_unwind(AssertUnwindSafe(make)).map_err(|_payload| {
        let reason = ExitReason::error("the closure that starts the child panicked");
        StartError::Init(reason)
    })
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .field("kind", &self.kind)
            .field("is_significant", &self.is_significant)
            .finish_non_exhaustive()
    }
}
