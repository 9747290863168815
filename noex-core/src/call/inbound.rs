//! `Inbound`: a message from another node with the handles that answer it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{CallError, ReplyAddress, Unwanted, deadline_after};
use crate::codec::{self, Wire};
use crate::id::{Creation, Pid};
use crate::node::LocalNode;
use crate::process::{Unanswered, leave_unanswered};
use crate::router::RouteError;
use crate::signal::{Encoded, Signal, Target};

/// A message from another node, not decoded yet, with a handle for each reply that it can give.
/// Dropping it fails what it has not answered.
#[derive(Debug)]
pub struct Inbound {
    message: Encoded,
    deadline: Option<Instant>,
    replies: Vec<Option<Handle>>,
}

/// An untyped handle; dropping it leaves its call unanswered.
#[derive(Debug)]
struct Handle(Option<Remote>);

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(remote) = self.0.take() {
            leave_unanswered(Unanswered::Remote(remote));
        }
    }
}

impl Inbound {
    pub(crate) fn new(node: &LocalNode, mut message: Encoded) -> Self {
        let replies = std::mem::take(&mut message.replies)
            .into_iter()
            .map(|address| Some(Handle(Some(Remote::open(node, address)))))
            .collect();
        let deadline = message
            .remaining
            .map(|remaining| deadline_after(Instant::now(), remaining));
        Self {
            message,
            deadline,
            replies,
        }
    }

    /// Whether it is a call.
    #[must_use]
    pub const fn is_call(&self) -> bool {
        self.deadline.is_some()
    }

    /// The sender, if it was a process.
    #[must_use]
    pub const fn from(&self) -> Option<Pid> {
        self.message.from
    }

    /// The hash of the protocol that it belongs to.
    #[must_use]
    pub const fn protocol(&self) -> u64 {
        self.message.protocol
    }

    /// When its caller stops waiting.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Why the caller of a call does not wait any more at `now`, unless it does. A cast is always
    /// wanted.
    #[must_use]
    pub fn unwanted(&self, now: Instant) -> Option<Unwanted> {
        let deadline = self.deadline?;
        let first = self
            .replies
            .first()
            .and_then(Option::as_ref)
            .and_then(|reply| reply.0.as_ref());
        if now >= deadline {
            Some(Unwanted::Expired)
        } else if first.is_some_and(Remote::is_wanted) {
            None
        } else {
            Some(Unwanted::Cancelled)
        }
    }

    /// Decodes it as a `T`, whose reply handles then answer its calls.
    ///
    /// # Errors
    /// [`CallError::Codec`] if it is no `T`; its callers have been told.
    pub fn decode<T: Wire>(mut self) -> Result<T, CallError> {
        let mut remotes: Vec<_> = self
            .replies
            .iter_mut()
            .map(|reply| reply.take().and_then(Handle::take))
            .collect();
        let decoded = codec::decode(&self.message.payload, &mut remotes);
        let error = decoded.as_ref().err().cloned();
        let unclaimed = error.unwrap_or(CallError::ReplyDropped);
        remotes
            .into_iter()
            .flatten()
            .for_each(|remote| remote.fail(unclaimed.clone()));
        decoded
    }

    /// Fails what it was to answer.
    pub fn fail(mut self, error: &CallError) {
        for reply in self.replies.drain(..).flatten() {
            if let Some(remote) = reply.take() {
                remote.fail(error.clone());
            }
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.message.payload.len()
    }
}

impl Handle {
    fn take(mut self) -> Option<Remote> {
        self.0.take()
    }
}

/// The right, and the duty, to answer one call of another node.
pub(crate) struct Remote {
    node: LocalNode,
    address: ReplyAddress,
    cancelled: Arc<AtomicBool>,
}

impl Remote {
    fn open(node: &LocalNode, address: ReplyAddress) -> Self {
        let cancelled = node.inbound_calls().open(address);
        Self {
            node: node.clone(),
            address,
            cancelled,
        }
    }

    pub(crate) fn is_wanted(&self) -> bool {
        !self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn reply<R: Wire>(self, reply: &R) {
        let call = self.address.call;
        match codec::encode(&self.node, self.address.node, reply) {
            Ok((body, handles)) if handles.is_empty() => self.answer(Signal::Reply { call, body }),
            Ok((_, handles)) => {
                let error = CallError::Codec("a reply can't hold a reply handle".into());
                for handle in handles {
                    self.node.fail_call(handle, error.clone());
                }
                self.fail(error);
            }
            Err(error) => {
                tracing::warn!(%error, "a reply can't be sent; its caller is told");
                self.answer(Signal::CallFailed { call, error });
            }
        }
    }

    pub(crate) fn fail(self, error: CallError) {
        let call = self.address.call;
        self.answer(Signal::CallFailed { call, error });
    }

    fn answer(self, signal: Signal) {
        self.node.inbound_calls().close(self.address);
        let node = self.address.node;
        match self.node.send(&Target::Node(node), signal) {
            Ok(()) => {}
            Err(RouteError::TooLarge { size, limit }) => {
                tracing::warn!(%node, size, limit, "a reply is too large; its caller is told");
                // The call was handled, which the error for a request that is too large denies.
                let text = format!("the reply of {size} bytes is over the limit of {limit}");
                self.node
                    .fail_call(self.address, CallError::Codec(text.into()));
            }
            Err(error) => {
                tracing::debug!(%node, %error, "the caller's node is gone; its reply is dropped");
            }
        }
    }

    /// The handle goes to the node `to`: the caller must know whose loss ends its call.
    pub(crate) fn pass_on(self, to: Creation) -> ReplyAddress {
        self.node.inbound_calls().close(self.address);
        let moved = Signal::CallMoved {
            call: self.address.call,
            to,
        };
        if let Err(error) = self.node.send(&Target::Node(self.address.node), moved) {
            let node = self.address.node;
            tracing::debug!(%node, %error, "the caller's node is gone; its call goes on unheard");
        }
        self.address
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.address).finish()
    }
}

/// The calls of other nodes that this node has yet to answer.
#[derive(Debug, Default)]
pub(crate) struct InboundCalls {
    open: DashMap<ReplyAddress, Arc<AtomicBool>, foldhash::fast::RandomState>,
    closed: Notify,
}

impl InboundCalls {
    fn open(&self, address: ReplyAddress) -> Arc<AtomicBool> {
        let cancelled = Arc::new(AtomicBool::new(false));
        self.open.insert(address, Arc::clone(&cancelled));
        cancelled
    }

    fn close(&self, address: ReplyAddress) {
        self.open.remove(&address);
        self.closed.notify_waiters();
    }

    /// The caller waits no more. Whoever keeps the handle all the same keeps nobody waiting.
    pub(crate) fn cancel(&self, address: ReplyAddress) {
        if let Some((_, cancelled)) = self.open.remove(&address) {
            cancelled.store(true, Ordering::Relaxed);
            self.closed.notify_waiters();
        }
    }

    /// The callers on the node `lost` have been told that it was: none of them waits any more.
    pub(crate) fn sever(&self, lost: Creation) {
        self.open.retain(|address, cancelled| {
            let is_lost = address.node == lost;
            cancelled.fetch_or(is_lost, Ordering::Relaxed);
            !is_lost
        });
        self.closed.notify_waiters();
    }

    /// Adds the nodes that wait for an answer.
    pub(crate) fn callers(&self, nodes: &mut BTreeSet<Creation>) {
        nodes.extend(self.open.iter().map(|open| open.key().node));
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Waits until none is open.
    pub(crate) async fn drained(&self) {
        loop {
            let closed = self.closed.notified();
            if self.open.is_empty() {
                return;
            }
            closed.await;
        }
    }
}
