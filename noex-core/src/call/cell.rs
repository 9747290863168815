//! `ReplyCell`: the place where a caller finds its reply.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::deadline::DeadlineKey;
use super::{CallError, ReplyTo};
use crate::codec::{self, Wire};
use crate::id::CallRef;
use crate::node::LocalNode;

/// The place where a caller finds its reply. The caller, the reply handle and the queued message
/// share it.
pub struct ReplyCell<R> {
    state: Mutex<State<R>>,
    /// Whether the state is still [`State::Waiting`], for those who only look.
    waiting: AtomicBool,
    deadline: Instant,
}

enum State<R> {
    Waiting {
        caller: Option<Waker>,
        /// Set once the handle has left for another node: the call's entry in the node's table.
        exported: Option<(LocalNode, CallRef)>,
    },
    Replied(R),
    Encoded(Bytes),
    Failed(CallError),
    /// The caller took its reply or gave up.
    Closed,
}

impl<R> ReplyCell<R> {
    /// A cell whose caller, which `caller` wakes, waits until `deadline`.
    #[must_use]
    pub fn new(deadline: Instant, caller: Waker) -> Arc<Self> {
        let state = Mutex::new(State::Waiting {
            caller: Some(caller),
            exported: None,
        });
        let waiting = AtomicBool::new(true);
        Arc::new(Self {
            state,
            waiting,
            deadline,
        })
    }

    pub(crate) fn reply(&self, reply: R) {
        self.settle(State::Replied(reply));
    }

    /// The first outcome counts.
    fn settle(&self, outcome: State<R>) {
        let mut state = self.state.lock();
        if !matches!(*state, State::Waiting { .. }) {
            return;
        }
        self.waiting.store(false, Ordering::Release);
        if let State::Waiting {
            caller: Some(caller),
            ..
        } = std::mem::replace(&mut *state, outcome)
        {
            drop(state);
            caller.wake();
        }
    }

    /// The caller gives up. Whoever has the message still queued will skip it.
    fn cancel(&self) {
        let mut state = self.state.lock();
        self.waiting.store(false, Ordering::Release);
        let before = std::mem::replace(&mut *state, State::Closed);
        drop(state);
        if let State::Waiting {
            exported: Some((node, call)),
            ..
        } = before
        {
            node.cancel_call(call);
        }
    }
}

/// A cell whatever its reply's type.
pub(crate) trait AnyCell: Send + Sync {
    fn fail(&self, error: CallError);
    fn reply_encoded(&self, body: Bytes);
    /// Notes the number under which the call waits for another node. `false`: nobody waits.
    fn export(&self, node: &LocalNode, call: CallRef) -> bool;
    fn is_wanted(&self, now: Instant) -> bool;
    fn deadline(&self) -> Instant;
}

impl<R: Send + 'static> AnyCell for ReplyCell<R> {
    fn fail(&self, error: CallError) {
        self.settle(State::Failed(error));
    }

    fn reply_encoded(&self, body: Bytes) {
        self.settle(State::Encoded(body));
    }

    fn export(&self, node: &LocalNode, call: CallRef) -> bool {
        match &mut *self.state.lock() {
            State::Waiting { exported, .. } => {
                *exported = Some((node.clone(), call));
                true
            }
            State::Replied(_) | State::Encoded(_) | State::Failed(_) | State::Closed => false,
        }
    }

    fn is_wanted(&self, now: Instant) -> bool {
        self.waiting.load(Ordering::Acquire) && now < self.deadline
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl fmt::Debug for dyn AnyCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyCell")
    }
}

impl<R> fmt::Debug for ReplyCell<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyCell")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Waits for the reply to one call, until its deadline.
///
/// # Cancel safety
/// Dropping it gives the call up: it is skipped if it is still queued, here or elsewhere.
#[must_use = "a call does nothing unless its reply is awaited"]
pub struct ReplyFuture<R> {
    cell: Arc<ReplyCell<R>>,
    node: LocalNode,
    deadline_key: Option<DeadlineKey>,
    done: bool,
}

impl<R: Send + 'static> ReplyFuture<R> {
    /// A new call of a process or other code of `node`: the future, and the handle that answers.
    ///
    /// The future waits from the start, as if it had been polled with `caller`: so the request is
    /// sent behind the registration, and nobody meets the server at the cell's lock.
    pub fn new(
        node: LocalNode,
        deadline: Instant,
        caller: &Waker,
    ) -> (Self, ReplyTo<R>, CallGuard) {
        let cell = ReplyCell::new(deadline, caller.clone());
        let deadline_key = Some(node.deadlines().insert(deadline, caller));
        let reply_to = ReplyTo::local(Arc::clone(&cell));
        let guard = CallGuard(Arc::clone(&cell) as Arc<dyn AnyCell>);
        (
            Self {
                cell,
                node,
                deadline_key,
                done: false,
            },
            reply_to,
            guard,
        )
    }

    fn forget_deadline(&mut self) {
        if let Some(key) = self.deadline_key.take() {
            self.node.deadlines().remove(key);
        }
    }
}

/// Travels with a queued call, so that its server can see whether somebody still waits for it.
#[derive(Debug, Clone)]
pub struct CallGuard(Arc<dyn AnyCell>);

impl CallGuard {
    /// Whether the caller still waits and its deadline lies after `now`.
    #[must_use]
    pub fn is_wanted(&self, now: Instant) -> bool {
        self.0.is_wanted(now)
    }

    /// When the caller stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.deadline()
    }

    /// Tells the caller that there will be no reply.
    pub fn fail(&self, error: CallError) {
        self.0.fail(error);
    }
}

impl<R: Wire> Future for ReplyFuture<R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut state = this.cell.state.lock();
        if let State::Waiting { caller, .. } = &mut *state {
            if Instant::now() >= this.cell.deadline {
                drop(state);
                this.done = true;
                this.forget_deadline();
                this.cell.cancel();
                return Poll::Ready(Err(CallError::Timeout));
            }
            if !caller
                .as_ref()
                .is_some_and(|waker| waker.will_wake(cx.waker()))
            {
                let former = caller.replace(cx.waker().clone());
                drop(state);
                // After the lock: with the last waker of a task may go the handle of this call.
                drop(former);
                this.forget_deadline();
                let key = this.node.deadlines().insert(this.cell.deadline, cx.waker());
                this.deadline_key = Some(key);
            }
            return Poll::Pending;
        }
        let outcome = std::mem::replace(&mut *state, State::Closed);
        drop(state);
        this.done = true;
        this.forget_deadline();
        Poll::Ready(match outcome {
            State::Replied(reply) => Ok(reply),
            State::Encoded(body) => codec::decode(&body, &mut []),
            State::Failed(error) => Err(error),
            State::Waiting { .. } | State::Closed => Err(CallError::ReplyDropped),
        })
    }
}

impl<R> Drop for ReplyFuture<R> {
    fn drop(&mut self) {
        if let Some(key) = self.deadline_key.take() {
            self.node.deadlines().remove(key);
        }
        if !self.done {
            self.cell.cancel();
        }
    }
}

impl<R> fmt::Debug for ReplyFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyFuture")
            .field("cell", &self.cell)
            .finish_non_exhaustive()
    }
}
