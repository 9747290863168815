//! `Call`: one call on its way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use noex_core::call::{Parties, ReplyFuture};
use noex_core::mailbox::PushError;
use noex_core::process::{Process, current_pid};
use noex_core::{CallError, Encoded, LocalNode, ReplyTo, Target, Wire, codec};
use tokio::time::Instant;

use crate::detour::Detour;
use crate::patience::Patience;
use crate::request::protocol_of;
use crate::{Address, Dest, GenServer, Request};

/// One call on its way; made by [`GenServer::call`]. It is sent when it is first polled.
///
/// # Errors
/// [`CallError`] says what happened, and whether the server may have handled the request.
///
/// A call by a name of the cluster whose holder's node is stopping waits for who holds the name
/// next, within its deadline: it fails with [`CallError::Draining`] only if nobody does by then.
///
/// # Cancel safety
/// Dropping it gives the call up. A request that is still queued is skipped.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<S: GenServer, R: Send + 'static, D, F> {
    to: D,
    /// Until the call is sent.
    make: Option<F>,
    patience: Patience,
    /// From then on.
    reply: Option<ReplyFuture<R>>,
    /// While the mailbox is full: the request waits for room.
    parked: Option<Box<Parked<S>>>,
    /// Where the address is a name that moves from node to node.
    detour: Option<Box<Detour<R>>>,
}

struct Parked<S: GenServer> {
    process: Arc<Process<Request<S>>>,
    request: Request<S>,
}

/// Nothing in it is ever pinned.
impl<S: GenServer, R: Send + 'static, D, F> Unpin for Call<S, R, D, F> {}

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
            detour: None,
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
    fn send(&mut self, make: F, cx: &Context<'_>) -> Result<(), CallError> {
        self.patience.begin()?;
        let caller = cx.waker();
        if let Some(process) = self.to.held() {
            let (reply, parked) = (&mut self.reply, &mut self.parked);
            return push(process, make, &self.patience, caller, reply, parked);
        }
        match self.to.resolve() {
            Ok(Address::Local(process)) => {
                let (reply, parked) = (&mut self.reply, &mut self.parked);
                push(&process, make, &self.patience, caller, reply, parked)
            }
            Ok(Address::Remote { node, target }) => self.send_encoded(&node, &target, make, caller),
            Err(CallError::Draining) => {
                self.make = Some(make);
                self.wait(cx)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends the request to another node.
    fn send_encoded(
        &mut self,
        node: &LocalNode,
        target: &Target,
        make: F,
        caller: &Waker,
    ) -> Result<(), CallError> {
        let (reply, reply_to, _guard) = self.patience.open(Parties::none(), node, caller);
        let (payload, replies) = codec::encode(node, target.creation(), &make(reply_to))?;
        let timeout = Some(self.patience.timeout());
        let message = Encoded::new(current_pid(), protocol_of::<S>(), timeout, replies, payload);
        if self.to.moves() {
            let detour = self.detour.get_or_insert_with(|| Box::new(Detour::new()));
            detour.sends(node, target.creation(), &message);
        }
        node.send_message(target, message)?;
        self.reply = Some(reply);
        Ok(())
    }

    /// Whoever has the name is on a node that stops: waits for who has it next.
    #[cold]
    fn wait(&mut self, cx: &Context<'_>) -> Result<(), CallError> {
        let detour = self.detour.get_or_insert_with(|| Box::new(Detour::new()));
        let successor = self.to.successor(detour.sent_to());
        let successor = successor.ok_or(CallError::Draining)?;
        detour.wait(successor, &mut self.patience, cx)
    }

    /// As [`poll`](Future::poll), where the name may have to be waited for.
    #[cold]
    fn poll_detour(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        while let Some(detour) = &mut self.detour {
            let Some(again) = ready!(detour.poll_found(&mut self.patience, cx))? else {
                let outcome = match self.parked.take() {
                    None => ready!(self.poll_reply(cx)),
                    Some(parked) => ready!(self.poll_parked(*parked, cx)),
                };
                let is_sent = self
                    .detour
                    .as_ref()
                    .is_some_and(|it| it.sent_to().is_some());
                if !(is_sent && matches!(outcome, Err(CallError::Draining))) {
                    return Poll::Ready(outcome);
                }
                self.wait(cx)?;
                continue;
            };
            match self.make.take() {
                Some(make) => self.send(make, cx)?,
                None => match self.to.resolve() {
                    Ok(address) => {
                        let reply = detour.send_again(again, &address, &self.patience)?;
                        self.reply = Some(reply);
                    }
                    Err(CallError::Draining) => self.wait(cx)?,
                    Err(error) => return Poll::Ready(Err(error)),
                },
            }
        }
        Poll::Pending
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
        if this.detour.is_none()
            && let Some(make) = this.make.take()
        {
            if let Err(error) = this.send(make, cx) {
                return Poll::Ready(Err(error));
            }
            if this.parked.is_none() && this.detour.is_none() {
                // A reply that has come already has woken the caller.
                return Poll::Pending;
            }
        }
        if this.detour.is_some() {
            return this.poll_detour(cx);
        }
        match this.parked.take() {
            None => this.poll_reply(cx),
            Some(parked) => this.poll_parked(*parked, cx),
        }
    }
}

impl<S: GenServer, R: Send + 'static, D, F> fmt::Debug for Call<S, R, D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
