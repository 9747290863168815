//! `ProcessState`: asks a process what its state is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::call::{CallError, ReplyFuture};
use crate::id::Pid;
use crate::node::LocalNode;
use crate::process::current_pid;

/// How long the process is given unless told otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// Asks a process what its state is; made by [`LocalNode::process_state`]. `None` if it does not
/// show it.
///
/// # Errors
/// [`CallError::NoProcess`] if it does not run, [`CallError::Exited`] if it ended meanwhile,
/// [`CallError::CallingSelf`] within the process itself, and [`CallError::Timeout`] if it handled
/// one message all the time.
///
/// # Cancel safety
/// Dropping it forgets the answer.
#[derive(Debug)]
#[must_use = "nothing is asked unless this is awaited"]
pub struct ProcessState {
    node: LocalNode,
    pid: Pid,
    timeout: Duration,
    answer: Option<ReplyFuture<Option<String>>>,
}

impl LocalNode {
    /// Asks `pid`, a process of this node, what its state is, as text for people. The question
    /// goes ahead of its mailbox: it waits for no more than the message that is being handled, and
    /// is answered while the process is [suspended](Self::suspend).
    ///
    /// # Examples
    /// ```
    /// use noex_core::mailbox::{Incoming, Info};
    /// use noex_core::process::SpawnOptions;
    /// use noex_core::{ExitReason, LocalNode};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    /// let process = node.spawn::<(), _, _>(SpawnOptions::default(), |mut mailbox| async move {
    ///     loop {
    ///         if let Incoming::Info(info) = mailbox.next().await
    ///             && let Info::Describe(reply) = *info
    ///         {
    ///             reply.send(Some("well".into()));
    ///         }
    ///     }
    /// });
    /// let state = node.process_state(process.pid()).await.unwrap();
    /// assert_eq!(state.as_deref(), Some("well"));
    /// # }
    /// ```
    pub fn process_state(&self, pid: Pid) -> ProcessState {
        ProcessState {
            node: self.clone(),
            pid,
            timeout: TIMEOUT_DEFAULT,
            answer: None,
        }
    }
}

impl ProcessState {
    /// Waits for at most `timeout`, in the place of 5 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn ask(&self, cx: &Context<'_>) -> Result<ReplyFuture<Option<String>>, CallError> {
        if current_pid() == Some(self.pid) {
            return Err(CallError::CallingSelf);
        }
        let process = self.node.process(self.pid).ok_or(CallError::NoProcess)?;
        let (answer, reply, _guard) = ReplyFuture::new(&self.node, self.timeout, cx.waker());
        if process.describe(reply) {
            Ok(answer)
        } else {
            Err(CallError::NoProcess)
        }
    }
}

impl Future for ProcessState {
    type Output = Result<Option<String>, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = match self.answer.take() {
            Some(answer) => answer,
            None => self.ask(cx)?,
        };
        if let Poll::Ready(state) = Pin::new(&mut answer).poll(cx) {
            return Poll::Ready(match state {
                // It shows nothing, and let go of the question.
                Err(CallError::ReplyDropped) => Ok(None),
                state => state,
            });
        }
        self.answer = Some(answer);
        Poll::Pending
    }
}
