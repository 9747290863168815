//! `ProtocolCall`: one call of a protocol on its way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use noex_core::call::{Parties, ReplyFuture};
use noex_core::{CallError, ReplyTo, Wire};
use tokio::time::Instant;

use super::door::{Door, Parked};
use super::protocol_ref::Place;
use super::{Protocol, ProtocolRef};
use crate::patience::Patience;

/// One call of a protocol on its way; made by [`ProtocolRef::call`]. It is sent when it is first
/// polled.
///
/// # Errors
/// [`CallError`] says what happened, and whether the server may have handled the request.
///
/// # Cancel safety
/// Dropping it gives the call up. A request that is still queued is skipped.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use noex_gen_server::{CallError, ProtocolRef};
/// # use noex_core::ReplyTo;
/// # use noex_gen_server::Protocol;
/// # enum Countable {}
/// # impl Protocol for Countable {
/// #     type Call = ReplyTo<u64>;
/// #     type Cast = ();
/// #     const NAME: &'static str = "countable";
/// # }
///
/// async fn count(things: &ProtocolRef<Countable>) -> Result<u64, CallError> {
///     things.call(|reply| reply).timeout(Duration::from_secs(1)).await
/// }
/// ```
#[must_use = "a call does nothing unless it is awaited"]
pub struct ProtocolCall<'a, P: Protocol + ?Sized, R, F> {
    to: &'a ProtocolRef<P>,
    state: State<P, R, F>,
    patience: Patience,
}

/// ```text
///   Made ──► Sent        in the mailbox, or on the way to another node
///     └──► Parked ──► Sent   the mailbox was full
/// ```
enum State<P: Protocol + ?Sized, R, F> {
    Made(F),
    Parked {
        door: Arc<dyn Door<P>>,
        request: Parked,
        reply: ReplyFuture<R>,
    },
    Sent(ReplyFuture<R>),
    Over,
}

/// Nothing in it is ever pinned.
impl<P: Protocol + ?Sized, R, F> Unpin for ProtocolCall<'_, P, R, F> {}

impl<'a, P, R, F> ProtocolCall<'a, P, R, F>
where
    P: Protocol + ?Sized,
    R: Wire,
    F: FnOnce(ReplyTo<R>) -> P::Call,
{
    pub(super) const fn new(to: &'a ProtocolRef<P>, make: F) -> Self {
        Self {
            to,
            state: State::Made(make),
            patience: Patience::DEFAULT,
        }
    }

    /// Waits for at most `timeout`, in the place of 5 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.patience.set_timeout(timeout);
        self
    }

    /// Ends at `deadline` at the latest, as [`Call::deadline`](crate::Call::deadline).
    pub const fn deadline(mut self, deadline: Option<Instant>) -> Self {
        self.patience.inherit(deadline);
        self
    }

    /// As [`Call::fail_on_deadlock`](crate::Call::fail_on_deadlock).
    pub const fn fail_on_deadlock(mut self) -> Self {
        self.patience.fail_on_deadlock();
        self
    }

    /// Sends the request that `make` builds; its reply will wake `caller`.
    fn send(&mut self, make: F, caller: &Waker) -> Result<State<P, R, F>, CallError> {
        self.patience.begin()?;
        if let Some(door) = self.to.held() {
            return self.push(door, make, caller);
        }
        match self.to.place()? {
            Place::Here(door) => self.push(&door, make, caller),
            Place::There(node) => {
                let (reply, reply_to, _guard) = self.patience.open(Parties::none(), &node, caller);
                let call = make(reply_to);
                self.to
                    .send_encoded(&node, &call, Some(self.patience.timeout()))?;
                Ok(State::Sent(reply))
            }
        }
    }

    fn push(
        &self,
        door: &Arc<dyn Door<P>>,
        make: F,
        caller: &Waker,
    ) -> Result<State<P, R, F>, CallError> {
        let parties = door.parties();
        if parties.is_same() {
            return Err(CallError::CallingSelf);
        }
        let (reply, reply_to, guard) = self.patience.open(parties, door.node(), caller);
        Ok(match door.call(make(reply_to), guard)? {
            None => State::Sent(reply),
            Some(request) => State::Parked {
                door: Arc::clone(door),
                request,
                reply,
            },
        })
    }
}

impl<P, R, F> Future for ProtocolCall<'_, P, R, F>
where
    P: Protocol + ?Sized,
    R: Wire,
    F: FnOnce(ReplyTo<R>) -> P::Call,
{
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // In place: most polls find the call sent, and nothing is to be moved.
        if let State::Sent(reply) = &mut this.state {
            return this.patience.explain(Pin::new(reply).poll(cx));
        }
        let state = match std::mem::replace(&mut this.state, State::Over) {
            State::Made(make) => this.send(make, cx.waker())?,
            state => state,
        };
        let (door, mut request, mut reply) = match state {
            State::Parked {
                door,
                request,
                reply,
            } => (door, request, reply),
            sent @ State::Sent(_) => {
                // A reply that has come already has woken the caller.
                this.state = sent;
                return Poll::Pending;
            }
            State::Made(_) | State::Over => return Poll::Ready(Err(CallError::ReplyDropped)),
        };
        let queued = door.poll_parked(&mut request, cx)?;
        let polled = Pin::new(&mut reply).poll(cx);
        if queued.is_ready() {
            this.state = State::Sent(reply);
            return this.patience.explain(polled);
        }
        if polled.is_ready() {
            return Poll::Ready(Err(CallError::Full));
        }
        this.state = State::Parked {
            door,
            request,
            reply,
        };
        Poll::Pending
    }
}

impl<P: Protocol + ?Sized, R, F> fmt::Debug for ProtocolCall<'_, P, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtocolCall")
            .field("to", self.to)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
