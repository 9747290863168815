//! `Receiver`: the one end of a mailbox from which a process reads, and `Inbox`, its inner part.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop::poll_proceed;

use super::Process;
use super::turn::Turn;
use crate::id::Pid;
use crate::inspect::{MessageKind, trace_taken};
use crate::mailbox::{Batch, DESCRIBE, EXIT, Incoming, SUSPENDED};
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
    inbox: Inbox<M>,
}

/// A [`Receiver`] without its process, for code that has the process at hand anyway: it is told
/// each time which one it is.
pub struct Inbox<M> {
    batch: Batch<M>,
    turn: Turn,
}

impl<M: Send + 'static> Receiver<M> {
    pub(crate) fn new(process: Arc<Process<M>>) -> Self {
        let inbox = Inbox {
            batch: Batch::new(),
            turn: Turn::new(),
        };
        Self { process, inbox }
    }

    /// The process, and the inbox that belongs to it.
    pub fn into_parts(self) -> (Arc<Process<M>>, Inbox<M>) {
        (self.process, self.inbox)
    }

    /// What comes next, in the order in which it was sent.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Incoming<M> {
        let mut next = None;
        poll_fn(|cx| {
            ready!(self.inbox.poll_next(&self.process, &mut next, cx));
            next.take().map_or(Poll::Pending, |next| {
                self.note(&next);
                Poll::Ready(next)
            })
        })
        .await
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

    /// The next thing that `wanted` picks. What it passes over stays, in its order, and is what
    /// comes next afterwards (OTP's selective receive).
    ///
    /// What is passed over takes up room in the mailbox.
    ///
    /// # Examples
    /// An answer is waited for, and everything else can wait:
    /// ```
    /// use noex_core::mailbox::Incoming;
    /// use noex_core::process::Receiver;
    ///
    /// async fn answer(mailbox: &mut Receiver<(u32, String)>, question: u32) -> Option<String> {
    ///     let answers = |incoming: &Incoming<_>| {
    ///         matches!(incoming, Incoming::Message((number, _)) if *number == question)
    ///     };
    ///     match mailbox.next_where(answers).await {
    ///         Incoming::Message((_, text)) => Some(text),
    ///         _ => None,
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next_where(
        &mut self,
        mut wanted: impl FnMut(&Incoming<M>) -> bool,
    ) -> Incoming<M> {
        let mut seen = 0;
        poll_fn(|cx| {
            let coop = ready!(poll_proceed(cx));
            // Nothing else would come to a question until a message is found.
            while let Some(question) = ready!(poll_urgent(&self.process, cx)) {
                drop(question);
            }
            let (mailbox, batch) = (self.process.mailbox(), &mut self.inbox.batch);
            loop {
                let found = batch.iter().skip(seen).position(&mut wanted);
                if let Some(found) = found.and_then(|found| batch.remove(seen + found)) {
                    coop.made_progress();
                    mailbox.note_taken(batch.len());
                    mailbox.release(&found);
                    self.note(&found);
                    trace(&self.process, &found);
                    return Poll::Ready(found);
                }
                seen = batch.len();
                ready!(mailbox.poll_more(batch, cx));
            }
        })
        .await
    }

    fn note(&self, taken: &Incoming<M>) {
        match taken {
            Incoming::Message(_) => self.process.note_kind(MessageKind::Message),
            Incoming::Encoded(inbound) => self.process.note_kind(MessageKind::of_encoded(inbound)),
            Incoming::Info(info) => self.process.note_info(info),
        }
    }
}

impl<M: Send + 'static> Inbox<M> {
    /// What comes next for `process`, in the order in which it was sent, is put into `place`, which
    /// must be empty. Who takes it [notes](Process::note_kind) what it is.
    pub fn poll_next(
        &mut self,
        process: &Process<M>,
        place: &mut Option<Incoming<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let next = self.poll_turn(process, place, cx);
        if next.is_pending() {
            self.turn.end();
        }
        next
    }

    /// Gives back the memory that the mailbox of `process` and this do not need now: for a process
    /// that expects to wait for long.
    pub fn shrink(&mut self, process: &Process<M>) {
        self.batch.shrink();
        process.mailbox().shrink();
    }

    // Always: for most messages this is all that there is to do.
    #[inline(always)]
    fn poll_turn(
        &mut self,
        process: &Process<M>,
        place: &mut Option<Incoming<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if process.mailbox().urgent() == 0 {
            self.poll_queue(process, place, cx)
        } else {
            self.poll_watched(process, place, cx)
        }
    }

    /// As a process does it of which something other than the queue wants something.
    #[cold]
    #[inline(never)]
    fn poll_watched(
        &mut self,
        process: &Process<M>,
        place: &mut Option<Incoming<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        *place = ready!(poll_urgent(process, cx));
        if place.is_none() {
            ready!(self.poll_queue(process, place, cx));
        }
        if let Some(taken) = place {
            trace(process, taken);
        }
        Poll::Ready(())
    }

    #[inline(always)]
    fn poll_queue(
        &mut self,
        process: &Process<M>,
        place: &mut Option<Incoming<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mailbox = process.mailbox();
        if self.batch.is_empty() {
            if mailbox.is_quiet(cx) {
                return Poll::Pending;
            }
            // The budget that the task shares with all that it waits for is spent by the batch:
            // within one, the turn limits the time, which is what matters.
            let coop = ready!(poll_proceed(cx));
            ready!(mailbox.poll_take(place, &mut self.batch, cx));
            coop.made_progress();
            // The turn is looked at behind the first message of a batch, which is in hand.
            self.turn.wants_look();
            return Poll::Ready(());
        }
        if self.turn.wants_look() && self.is_turn_over(process, cx) {
            return Poll::Pending;
        }
        *place = self.batch.pop_front();
        mailbox.note_taken(self.batch.len());
        Poll::Ready(())
    }

    /// Whether it is time that others run. Then the task is woken, to go on behind them.
    #[cold]
    fn is_turn_over(&mut self, process: &Process<M>, cx: &Context<'_>) -> bool {
        let over = self.turn.look(process.node().uptime());
        if over {
            cx.waker().wake_by_ref();
        }
        over
    }
}

fn trace<M: Send + 'static>(process: &Process<M>, taken: &Incoming<M>) {
    if process.mailbox().is_traced() {
        trace_taken(process, taken);
    }
}

/// What comes ahead of the queue, if it is for the handler. `Pending` while something other than
/// the queue decides.
fn poll_urgent<M: Send + 'static>(
    process: &Process<M>,
    cx: &Context<'_>,
) -> Poll<Option<Incoming<M>>> {
    let mailbox = process.mailbox();
    let urgent = mailbox.urgent();
    if urgent & EXIT != 0 {
        // The task looks at the request before it polls again.
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    if urgent & DESCRIBE != 0
        && let Some(description) = mailbox.take_description()
    {
        return Poll::Ready(Some(description));
    }
    if urgent & SUSPENDED != 0 {
        // Whoever resumes it wakes the task.
        return Poll::Pending;
    }
    Poll::Ready(None)
}

impl<M> fmt::Debug for Inbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("len", &self.batch.len())
            .finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for Receiver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}
