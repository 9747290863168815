//! `Task` and `TaskRef`: a process that computes one value, and who waits for it.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use noex_core::mailbox::{Incoming, Info};
use noex_core::node::Ended;
use noex_core::process::{Receiver, SpawnOptions, current_pid};
use noex_core::{ExitReason, LocalNode, Pid};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::TaskStream;

/// Starts tasks: processes that compute one value and end.
///
/// A task has a pid; monitors, links and exit signals apply to it as to any process. Its handle
/// waits for the value; dropping the handle leaves the task alone.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use noex_core::LocalNode;
/// use noex_gen_server::task::Task;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let _inside = node.enter();
/// let sum = Task::spawn(async { 1 + 1 });
/// assert_eq!(sum.await, Ok(2));
///
/// let mut slow = Task::spawn_unlinked(std::future::pending::<()>());
/// assert_eq!(slow.yield_for(Duration::from_millis(1)).await, None);
/// assert_eq!(slow.shutdown(Duration::from_secs(1)).await, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Task;

impl Task {
    /// Starts a task on the current node, linked with the calling process if there is one: if
    /// either ends badly, so does the other (OTP's `Task.async`).
    ///
    /// # Panics
    /// Outside of any node, as `tokio::spawn` does outside of a runtime;
    /// see [`spawn_on`](Self::spawn_on).
    pub fn spawn<F>(future: F) -> TaskRef<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let links = Links {
            parent: None,
            caller: current_pid(),
        };
        TaskRef::start(&current_node(), links, future)
    }

    /// Starts a task on the current node that is linked with nobody; how it ended is told by its
    /// handle alone (OTP's `Task.start`, `Task.Supervisor.async_nolink`).
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn).
    pub fn spawn_unlinked<F>(future: F) -> TaskRef<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Self::spawn_on(&current_node(), future)
    }

    /// As [`spawn_unlinked`](Self::spawn_unlinked), on `node`.
    pub fn spawn_on<F>(node: &LocalNode, future: F) -> TaskRef<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        TaskRef::start(node, Links::default(), future)
    }

    /// As [`spawn_on`](Self::spawn_on), linked with `parent`, which is to hear of its end, and with
    /// `caller`, if one is to share it. This is how supervisors start tasks.
    pub fn spawn_child<F>(
        node: &LocalNode,
        parent: Pid,
        caller: Option<Pid>,
        future: F,
    ) -> TaskRef<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let parent = Some(parent);
        TaskRef::start(node, Links { parent, caller }, future)
    }

    /// One task for each of `items`, at most `concurrency_max` at once; see [`TaskStream`].
    pub fn async_stream<I, F, W>(
        items: I,
        concurrency_max: NonZeroUsize,
        make: F,
    ) -> TaskStream<I::IntoIter, F, W>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> W,
        W: Future<Output: Send> + Send + 'static,
    {
        TaskStream::new(items.into_iter(), concurrency_max, make)
    }
}

#[expect(
    clippy::panic,
    reason = "code outside of any node has no place for a process"
)]
fn current_node() -> LocalNode {
    LocalNode::current().unwrap_or_else(|| {
        panic!(
            "no current node: start the task from a process, under #[noex::main], within \
             node.enter(), or with Task::spawn_on(&node, ..)"
        )
    })
}

/// Whom a new task is linked with.
#[derive(Debug, Clone, Copy, Default)]
struct Links {
    /// Who hears of its end, whatever becomes of its handle.
    parent: Option<Pid>,
    /// Who waits for it.
    caller: Option<Pid>,
}

/// Waits for the value of a task, or for the reason why it ended without one.
///
/// # Errors
/// The task's exit reason. A task that is linked with the caller takes it along, unless the caller
/// traps exits.
///
/// # Cancel safety
/// Dropping it leaves the task alone; [`shutdown`](Self::shutdown) ends it.
#[must_use = "the value of a task is lost unless it is awaited; `drop` says that this is meant"]
pub struct TaskRef<T> {
    node: LocalNode,
    pid: Pid,
    /// Who waits for it, and is linked with it.
    caller: Option<Pid>,
    value: Option<oneshot::Receiver<T>>,
    ended: Option<Ended>,
}

impl<T: Send + 'static> TaskRef<T> {
    fn start<F>(node: &LocalNode, links: Links, future: F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (tx, value) = oneshot::channel();
        let (go, gate) = oneshot::channel();
        let mut options = SpawnOptions::default();
        let Links { parent, caller } = links;
        options.link = parent.or(caller);
        let process = node.spawn::<(), _, _>(options, |mailbox| async move {
            // It is linked and monitored once the other end is dropped: nobody misses its end.
            let _opened: Result<(), _> = gate.await;
            compute(mailbox, future, tx).await
        });
        let pid = process.pid();
        if let (Some(_), Some(caller)) = (parent, caller) {
            // Should the caller have ended, so does the task.
            node.link(pid, caller);
        }
        let ended = Some(node.ended(pid));
        drop(go);
        Self {
            node: node.clone(),
            pid,
            caller,
            value: Some(value),
            ended,
        }
    }

    /// Waits for at most `patience`; `None` if the task goes on. It can be awaited again then.
    pub async fn yield_for(&mut self, patience: Duration) -> Option<Result<T, ExitReason>> {
        timeout(patience, self).await.ok()
    }

    /// Ends the task: asks it to, and kills it after `patience`. `None` if it ended as it was
    /// asked; else the value that it had or still gave, or the reason for which it ended.
    ///
    /// # Cancel safety
    /// Dropped early, the task was asked to end, and is not killed.
    pub async fn shutdown(mut self, patience: Duration) -> Option<Result<T, ExitReason>> {
        self.unlink();
        if let Some(outcome) = self.yield_for(Duration::ZERO).await {
            return Some(outcome);
        }
        self.exit(ExitReason::Shutdown);
        match self.yield_for(patience).await {
            Some(Err(ExitReason::Shutdown)) => None,
            Some(outcome) => Some(outcome),
            None => {
                self.exit(ExitReason::Killed);
                Some(Err(ExitReason::Killed))
            }
        }
    }
}

/// The life of a task.
async fn compute<T>(
    mut mailbox: Receiver<()>,
    future: impl Future<Output = T>,
    value: oneshot::Sender<T>,
) -> ExitReason {
    tokio::select! {
        biased;
        reason = stop_asked(&mut mailbox) => reason,
        done = future => {
            // Nobody may want it any more.
            drop(value.send(done));
            ExitReason::Normal
        }
    }
}

async fn stop_asked(mailbox: &mut Receiver<()>) -> ExitReason {
    loop {
        if let Incoming::Info(info) = mailbox.next().await
            && let Info::Stop(reason) = *info
        {
            return reason;
        }
    }
}

impl<T> TaskRef<T> {
    /// The task's pid.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Ends the task without a word to whom it is linked with.
    pub(super) fn kill(&mut self) {
        if self.value.is_some() {
            self.unlink();
            self.exit(ExitReason::Killed);
        }
    }

    fn unlink(&mut self) {
        if let Some(caller) = self.caller.take() {
            self.node.unlink(caller, self.pid);
        }
    }

    fn exit(&self, reason: ExitReason) {
        let (node, pid) = (&self.node, self.pid);
        if let Err(error) = node.exit(node.pid(), pid, reason) {
            tracing::debug!(%pid, %error, "a task of this node is always reached");
        }
    }
}

impl<T> Future for TaskRef<T> {
    type Output = Result<T, ExitReason>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(value) = &mut self.value {
            let value = ready!(Pin::new(value).poll(cx));
            self.value = None;
            if let Ok(value) = value {
                self.ended = None;
                return Poll::Ready(Ok(value));
            }
        }
        let Some(ended) = &mut self.ended else {
            return Poll::Ready(Err(ExitReason::NoProcess));
        };
        let reason = ready!(Pin::new(ended).poll(cx));
        self.ended = None;
        Poll::Ready(Err(reason))
    }
}

impl<T> fmt::Debug for TaskRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskRef({})", self.pid)
    }
}
