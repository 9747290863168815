//! `Receiver`: the one end of a mailbox from which a process reads.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop::poll_proceed;
use tokio::time::Instant;

use super::Process;
use super::turn::Turn;
use crate::id::Pid;
use crate::mailbox::Incoming;
use crate::node::LocalNode;

/// The one end of a mailbox from which a process reads.
///
/// # Examples
/// A process that adds up what it is sent, until it is asked to stop:
/// ```
/// use noex_core::ExitReason;
/// use noex_core::mailbox::{Incoming, Info};
/// use noex_core::process::Receiver;
///
/// async fn add_up(mut mailbox: Receiver<u64>) -> ExitReason {
///     let mut sum = 0;
///     loop {
///         match mailbox.next().await {
///             Incoming::Message(number) => sum += number,
///             Incoming::Info(info) => {
///                 if let Info::Stop(reason) = *info {
///                     println!("{sum}");
///                     return reason;
///                 }
///             }
///             Incoming::Encoded(_) => {}
///         }
///     }
/// }
/// ```
pub struct Receiver<M> {
    process: Arc<Process<M>>,
    batch: VecDeque<Incoming<M>>,
    turn: Turn,
}

impl<M: Send + 'static> Receiver<M> {
    pub(crate) fn new(process: Arc<Process<M>>) -> Self {
        Self {
            process,
            batch: VecDeque::new(),
            turn: Turn::new(),
        }
    }

    /// What comes next, in the order in which it was sent.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Incoming<M> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Gives back the memory that the mailbox and its batch do not need now: for a process that
    /// expects to wait for long.
    pub fn shrink(&mut self) {
        self.batch.shrink_to_fit();
        self.process.mailbox().shrink();
    }

    /// The process's pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// The node that it runs on.
    #[must_use]
    pub fn node(&self) -> &LocalNode {
        self.process.node()
    }

    /// The process itself.
    #[must_use]
    pub const fn process(&self) -> &Arc<Process<M>> {
        &self.process
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Incoming<M>> {
        let next = self.poll_turn(cx);
        if next.is_pending() {
            self.turn.end();
        }
        next
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Incoming<M>> {
        let coop = ready!(poll_proceed(cx));
        let mailbox = self.process.mailbox();
        // The task looks at an exit request before it polls again.
        if mailbox.is_exit_requested() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.batch.is_empty() {
            ready!(mailbox.poll_take(&mut self.batch, cx));
        }
        if self.turn.wants_look() && self.turn.look(Instant::now().into_std()) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        coop.made_progress();
        let Some(next) = self.batch.pop_front() else {
            return Poll::Pending;
        };
        mailbox.note_taken(self.batch.len());
        Poll::Ready(next)
    }
}

impl<M> fmt::Debug for Receiver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}
