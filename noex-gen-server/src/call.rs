//! `Call`: one call on its way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use noex_core::call::{Parties, ReplyFuture};
use noex_core::mailbox::PushError;
use noex_core::process::{Process, current_pid};
use noex_core::{CallError, Encoded, LocalNode, ReplyTo, Target, Wire, codec};
use tokio::time::Instant;

use crate::patience::Patience;
use crate::request::protocol_of;
use crate::{Address, Dest, GenServer, Request};

/// One call on its way; made by [`GenServer::call`]. It is sent when it is first polled.
///
/// # Errors
/// [`CallError`] says what happened, and whether the server may have handled the request.
///
/// # Cancel safety
/// Dropping it gives the call up. A request that is still queued is skipped.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<S: GenServer, R, D, F> {
    to: D,
    /// Until the call is sent.
    make: Option<F>,
    patience: Patience,
    /// From then on.
    reply: Option<ReplyFuture<R>>,
    /// While the mailbox is full: the request waits for room.
    parked: Option<Box<Parked<S>>>,
}

struct Parked<S: GenServer> {
    process: Arc<Process<Request<S>>>,
    request: Request<S>,
}

/// Nothing in it is ever pinned.
impl<S: GenServer, R, D, F> Unpin for Call<S, R, D, F> {}

impl<S, R, D, F> Call<S, R, D, F>
where
    S: GenServer,
    R: Wire,
    D: Dest<S>,
    F: FnOnce(ReplyTo<R>) -> S::Call,
{
    pub(crate) const fn new(to: D, make: F) -> Self {
        Self {
            to,
            make: Some(make),
            patience: Patience::DEFAULT,
            reply: None,
            parked: None,
        }
    }

    /// Waits for at most `timeout`, in the place of 5 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.patience.set_timeout(timeout);
        self
    }

    /// Ends at `deadline` at the latest, and fails with [`CallError::DeadlineInherited`] then;
    /// without one nothing changes. So a server that calls others passes on how long its own
    /// caller still waits: `.deadline(cx.deadline())`.
    pub const fn deadline(mut self, deadline: Option<Instant>) -> Self {
        self.patience.inherit(deadline);
        self
    }

    /// Fails with [`CallError::Deadlock`] if the server waits for this caller, by way of other
    /// calls: see [`LocalNode::deadlocks`]. If several of these ask for it, one of them fails,
    /// which frees the others.
    pub const fn fail_on_deadlock(mut self) -> Self {
        self.patience.fail_on_deadlock();
        self
    }

    pub(crate) const fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Sends the request that `make` builds; its reply will wake `caller`.
    fn send(&mut self, make: F, caller: &Waker) -> Result<(), CallError> {
        self.patience.begin()?;
        if let Some(process) = self.to.held() {
            let (reply, parked) = (&mut self.reply, &mut self.parked);
            return push(process, make, &self.patience, caller, reply, parked);
        }
        match self.to.resolve()? {
            Address::Local(process) => {
                let (reply, parked) = (&mut self.reply, &mut self.parked);
                push(&process, make, &self.patience, caller, reply, parked)
            }
            Address::Remote { node, target } => {
                let (reply, reply_to, _guard) = self.patience.open(Parties::none(), &node, caller);
                send_encoded::<S>(&node, &target, &make(reply_to), self.patience.timeout())?;
                self.reply = Some(reply);
                Ok(())
            }
        }
    }

    /// The request waits for room, or its time is over.
    #[cold]
    fn poll_parked(
        &mut self,
        parked: Parked<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let Parked { process, request } = parked;
        match process.mailbox().poll_push(request, cx) {
            Ok(()) => self.poll_reply(cx),
            Err(PushError::Closed(_)) => Poll::Ready(Err(CallError::NoProcess)),
            Err(PushError::Full(request)) => {
                if self.poll_reply(cx).is_ready() {
                    return Poll::Ready(Err(CallError::Full));
                }
                self.parked = Some(Box::new(Parked { process, request }));
                Poll::Pending
            }
        }
    }

    #[inline]
    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        let Some(reply) = &mut self.reply else {
            return Poll::Ready(Err(CallError::ReplyDropped));
        };
        let outcome = Pin::new(reply).poll(cx);
        if outcome.is_pending() {
            return Poll::Pending;
        }
        self.patience.explain(outcome)
    }
}

/// Queues a call to a process of this node.
fn push<S: GenServer, R: Wire>(
    process: &Arc<Process<Request<S>>>,
    make: impl FnOnce(ReplyTo<R>) -> S::Call,
    patience: &Patience,
    caller: &Waker,
    waiting: &mut Option<ReplyFuture<R>>,
    parked: &mut Option<Box<Parked<S>>>,
) -> Result<(), CallError> {
    let parties = Parties::with(&**process);
    if parties.is_same() {
        return Err(CallError::CallingSelf);
    }
    let (reply, reply_to, guard) = patience.open(parties, process.node(), caller);
    let call = make(reply_to);
    match process.mailbox().push_made(|| Request::Call(call, guard)) {
        Ok(()) => {}
        Err(PushError::Full(request)) => {
            let process = Arc::clone(process);
            *parked = Some(Box::new(Parked { process, request }));
        }
        Err(PushError::Closed(_)) => return Err(CallError::NoProcess),
    }
    *waiting = Some(reply);
    Ok(())
}

/// Sends a call to another node.
fn send_encoded<S: GenServer>(
    node: &LocalNode,
    target: &Target,
    call: &S::Call,
    timeout: Duration,
) -> Result<(), CallError> {
    let (payload, replies) = codec::encode(node, target.creation(), call)?;
    let protocol = protocol_of::<S>();
    let message = Encoded::new(current_pid(), protocol, Some(timeout), replies, payload);
    node.send_message(target, message)
}

impl<S, R, D, F> Future for Call<S, R, D, F>
where
    S: GenServer,
    R: Wire,
    D: Dest<S>,
    F: FnOnce(ReplyTo<R>) -> S::Call,
{
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(make) = this.make.take() {
            if let Err(error) = this.send(make, cx.waker()) {
                return Poll::Ready(Err(error));
            }
            if this.parked.is_none() {
                // A reply that has come already has woken the caller.
                return Poll::Pending;
            }
        }
        match this.parked.take() {
            None => this.poll_reply(cx),
            Some(parked) => this.poll_parked(*parked, cx),
        }
    }
}

impl<S: GenServer, R, D, F> fmt::Debug for Call<S, R, D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
