//! `ReplyFuture`: waits for the reply to one call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::time::Instant;

use super::cell::{Due, Generation, Outcome, ReplyCell, Standing, Waiting};
use super::{CallError, Parties, ReplyTo, Unwanted, Wait};
use crate::codec::{self, Wire};
use crate::node::LocalNode;

/// Waits for the reply to one call, until its deadline.
///
/// # Cancel safety
/// Dropping it gives the call up: it is skipped if it is still queued, here or elsewhere.
#[must_use = "a call does nothing unless its reply is awaited"]
pub struct ReplyFuture<R>(Waiting<R>);

impl<R: Send + 'static> ReplyFuture<R> {
    /// A new call of a process or other code of `node`, which waits for `timeout`: the future, and
    /// the handle that answers.
    ///
    /// The future waits from the start, as if it had been polled with `caller`: so the request is
    /// sent behind the registration.
    pub fn new(
        node: &LocalNode,
        timeout: Duration,
        caller: &Waker,
    ) -> (Self, ReplyTo<R>, CallGuard) {
        Self::between(Parties::none(), node, Wait::For(timeout), caller)
    }

    /// As [`new`](Self::new), for a call of which it is known who waits for whom.
    #[inline(always)]
    pub fn between(
        parties: Parties,
        node: &LocalNode,
        wait: Wait,
        caller: &Waker,
    ) -> (Self, ReplyTo<R>, CallGuard) {
        let (waiting, handle, guard) = node.deadlines().open(wait, parties, caller);
        (Self(waiting), ReplyTo::local(handle), guard)
    }
}

impl<R: Wire> Future for ReplyFuture<R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.get_mut().0.poll(cx.waker())) {
            Outcome::Reply(reply) => Ok(reply),
            Outcome::Encoded(body) => codec::decode(&body, &mut []),
            Outcome::Failed(error) => Err(error),
            Outcome::Expired => Err(CallError::Timeout),
        })
    }
}

impl<R> fmt::Debug for ReplyFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyFuture")
    }
}

/// Travels with a queued call, so that its server can see whether somebody still waits for it.
#[derive(Clone, Copy)]
pub struct CallGuard {
    cell: &'static ReplyCell,
    generation: Generation,
}

impl CallGuard {
    pub(super) const fn new(cell: &'static ReplyCell, generation: Generation) -> Self {
        Self { cell, generation }
    }

    /// Why the caller, of `node`, does not wait any more, unless it does. If its time is over, it
    /// is told so now.
    #[must_use]
    #[inline]
    pub fn unwanted(&self, node: &LocalNode) -> Option<Unwanted> {
        match self.cell.standing(self.generation) {
            Standing::Waiting if node.deadlines().check(self.cell, self.generation) => None,
            Standing::Waiting | Standing::Expired => Some(Unwanted::Expired),
            Standing::GivenUp | Standing::Over => Some(Unwanted::Cancelled),
        }
    }

    /// When the caller, of `node`, stops waiting. `None` if it does not wait any more.
    #[must_use]
    pub fn deadline(&self, node: &LocalNode) -> Option<Instant> {
        let (due, wait) = (self.cell.due(), self.cell.terms().wait());
        // They were this call's if it is not over by now.
        let waiting = self.cell.standing(self.generation) == Standing::Waiting;
        waiting.then(|| match due {
            Due::Unmet(_) => Instant::now() + wait,
            Due::At(nanos) => node.deadlines().instant_of(nanos),
        })
    }
}

impl fmt::Debug for CallGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallGuard")
    }
}
