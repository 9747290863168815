//! `TaskSupervisor`: tasks that belong to a supervisor, whoever waits for them.

use std::fmt;
use std::future::{Future, IntoFuture, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode, Pid, current_pid};
use noex_gen_server::task::{Task, TaskRef};
use noex_gen_server::{Address, Dest, Start, StartError};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::child_spec::{ChildSpec, Starting};
use super::dynamic::{DynamicSupervisor, DynamicSupervisorBuilder, DynamicSupervisorClient};
use super::error::StartChildError;
use crate::{Restart, Shutdown};

/// A supervisor of tasks, under a local name: a task of it has an owner that stops it in order,
/// and their number can be limited (Elixir's `Task.Supervisor`).
///
/// [`spawn`](Self::spawn) and [`spawn_unlinked`](Self::spawn_unlinked) are for whoever waits for a
/// value. Tasks that nobody waits for are children that are
/// [started](DynamicSupervisorClient::start_child) from a [`ChildSpec::task`]; they may be
/// restarted.
///
/// It is a value, made once and cloned to wherever it is used: what [`start`](Self::start) starts
/// is an ordinary [`DynamicSupervisor`], which can be asked by it, too.
///
/// # Examples
/// ```
/// use noex_core::LocalNode;
/// use noex_supervisor::{ChildSpec, DynamicSupervisorClient, Supervisor, TaskSupervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let tasks = TaskSupervisor::new("tasks").max_children(100);
/// let root = Supervisor::builder().child(tasks.child_spec()).start().on(&node).await?;
///
/// let _inside = node.enter();
/// let sum = tasks.spawn_unlinked(async { 1 + 1 }).await?;
/// assert_eq!(sum.await, Ok(2));
/// let letter = ChildSpec::task("letter", || async { println!("sent") });
/// tasks.start_child(letter).await?;
/// root.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is started before `start`"]
pub struct TaskSupervisor {
    name: Arc<str>,
    builder: DynamicSupervisorBuilder,
}

impl TaskSupervisor {
    /// A supervisor of any number of tasks under a local name, that bears 3 restarts in 5 s.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            builder: DynamicSupervisor::builder(),
        }
    }

    /// Has at most so many tasks; any number unless said.
    pub fn max_children(mut self, tasks: usize) -> Self {
        self.builder = self.builder.max_children(tasks);
        self
    }

    /// Bears `restarts` restarts in `period`; 3 in 5 s unless said. Only tasks that are not
    /// temporary are ever restarted.
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.builder = self.builder.intensity(restarts, period);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], as any server.
    pub fn start(&self) -> Start<DynamicSupervisor> {
        self.builder.clone().start().name(self.name.to_string())
    }

    /// It as a child of a supervisor; its id is its name.
    pub fn child_spec(&self) -> ChildSpec {
        let this = self.clone();
        ChildSpec::supervisor(Arc::clone(&self.name), move || this.start())
    }

    /// Spawns a task that is linked with the calling process, if there is one: if either ends
    /// badly, so does the other (Elixir's `async`). The supervisor goes on in any case.
    #[doc(alias = "async")]
    pub fn spawn<F>(&self, future: F) -> SpawnTask<'_, F> {
        self.spawn_linked_with(current_pid(), future)
    }

    /// Spawns a task whose failure is an error to who awaits it, no more (Elixir's
    /// `async_nolink`).
    #[doc(alias = "async_nolink")]
    pub fn spawn_unlinked<F>(&self, future: F) -> SpawnTask<'_, F> {
        self.spawn_linked_with(None, future)
    }

    fn spawn_linked_with<F>(&self, caller: Option<Pid>, future: F) -> SpawnTask<'_, F> {
        SpawnTask {
            supervisor: self,
            caller,
            shutdown: Shutdown::default(),
            future,
        }
    }
}

impl Dest<DynamicSupervisor> for TaskSupervisor {
    fn resolve(&self) -> Result<Address<DynamicSupervisor>, CallError> {
        self.name.resolve()
    }
}

impl DynamicSupervisorClient for TaskSupervisor {}

/// Spawns a task under a supervisor; made by [`TaskSupervisor::spawn`] and
/// [`TaskSupervisor::spawn_unlinked`].
///
/// # Errors
/// [`StartChildError::MaxChildren`] if there are too many tasks, [`StartChildError::Call`] if the
/// supervisor is not there. The task does not run.
///
/// # Cancel safety
/// Dropping its future before the supervisor has spawned the task gives the task up; a task that
/// runs goes on.
#[must_use = "no task is spawned unless this is awaited"]
pub struct SpawnTask<'a, F> {
    supervisor: &'a TaskSupervisor,
    caller: Option<Pid>,
    shutdown: Shutdown,
    future: F,
}

impl<F> SpawnTask<'_, F> {
    /// How the supervisor ends the task; it is asked and has 5 s, unless said.
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }
}

impl<'a, F> IntoFuture for SpawnTask<'a, F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = Result<TaskRef<F::Output>, StartChildError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let (tx, task) = oneshot::channel();
        let spec = spec_of(self.future, self.caller, tx).shutdown(self.shutdown);
        let start = self.supervisor.start_child(spec);
        Box::pin(async move {
            start.await?;
            let lost = |_closed| StartChildError::Call(CallError::ReplyDropped);
            task.await.map_err(lost)
        })
    }
}

/// A child that is spawned once, for who waits at the other end of `tx`.
fn spec_of<F>(future: F, caller: Option<Pid>, tx: oneshot::Sender<TaskRef<F::Output>>) -> ChildSpec
where
    F: Future<Output: Send> + Send + 'static,
{
    let once = Mutex::new(Some((future, tx)));
    let spawn = move |parent| {
        let node = LocalNode::current().ok_or(StartError::NoNode)?;
        // Nobody waits any more: there is nothing to do.
        let idle = StartError::Init(ExitReason::Normal);
        let waiting = once.lock().take().filter(|(_, tx)| !tx.is_closed());
        let (future, tx) = waiting.ok_or(idle)?;
        let task = Task::spawn_child(&node, parent, caller, future);
        let pid = task.pid();
        // Who stops waiting now leaves the task alone, as by dropping its handle.
        drop(tx.send(task));
        Ok(pid)
    };
    let begin = move |parent| -> Starting { Box::pin(ready(spawn(parent))) };
    ChildSpec::started_by("task".into(), begin).restart(Restart::Temporary)
}

impl<F> fmt::Debug for SpawnTask<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnTask")
            .field("caller", &self.caller)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}
