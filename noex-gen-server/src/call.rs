//! `Call`: one call on its way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use noex_core::call::ReplyFuture;
use noex_core::mailbox::PushError;
use noex_core::process::{Process, current_pid};
use noex_core::{CallError, Encoded, LocalNode, ReplyTo, Target, Wire, codec};

use crate::request::protocol_of;
use crate::{Address, Dest, GenServer, Request};

/// How long a call waits unless told otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// One call on its way; made by [`GenServer::call`]. It is sent when it is first polled.
///
/// # Errors
/// [`CallError`] says what happened, and whether the server may have handled the request.
///
/// # Cancel safety
/// Dropping it gives the call up. A request that is still queued is skipped.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<S: GenServer, R, D, F> {
    state: State<S, R, D, F>,
    timeout: Duration,
}

enum State<S: GenServer, R, D, F> {
    Made {
        to: D,
        make: F,
    },
    /// The mailbox is full: the request waits for room.
    Parked {
        process: Arc<Process<Request<S>>>,
        request: Request<S>,
        reply: ReplyFuture<R>,
    },
    Sent(ReplyFuture<R>),
    Over,
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
            state: State::Made { to, make },
            timeout: TIMEOUT_DEFAULT,
        }
    }

    /// Waits for at most `timeout`, in the place of 5 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends the request that `make` builds; its reply will wake `caller`.
    fn send(&self, to: &D, make: F, caller: &Waker) -> Result<State<S, R, D, F>, CallError> {
        if let Some(process) = to.held() {
            return self.push(process, make, caller);
        }
        match to.resolve()? {
            Address::Local(process) => self.push(&process, make, caller),
            Address::Remote { node, target } => {
                let (reply, reply_to, _guard) = ReplyFuture::new(&node, self.timeout, caller);
                send_encoded::<S>(&node, &target, &make(reply_to), self.timeout)?;
                Ok(State::Sent(reply))
            }
        }
    }

    fn push(
        &self,
        process: &Arc<Process<Request<S>>>,
        make: F,
        caller: &Waker,
    ) -> Result<State<S, R, D, F>, CallError> {
        if current_pid() == Some(process.pid()) {
            return Err(CallError::CallingSelf);
        }
        let (reply, reply_to, guard) = ReplyFuture::new(process.node(), self.timeout, caller);
        let request = Request::Call(make(reply_to), guard);
        match process.mailbox().push(request) {
            Ok(()) => Ok(State::Sent(reply)),
            Err(PushError::Full(request)) => {
                let process = Arc::clone(process);
                Ok(State::Parked {
                    process,
                    request,
                    reply,
                })
            }
            Err(PushError::Closed(_)) => Err(CallError::NoProcess),
        }
    }
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

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            // In place: most polls find the call sent, and nothing is to be moved.
            if let State::Sent(reply) = &mut self.state {
                return Pin::new(reply).poll(cx);
            }
            match std::mem::replace(&mut self.state, State::Over) {
                State::Made { to, make } => match self.send(&to, make, cx.waker()) {
                    Ok(State::Sent(reply)) => {
                        // A reply that has come already has woken the caller.
                        self.state = State::Sent(reply);
                        return Poll::Pending;
                    }
                    Ok(parked) => self.state = parked,
                    Err(error) => return Poll::Ready(Err(error)),
                },
                State::Parked {
                    process,
                    request,
                    mut reply,
                } => match process.mailbox().poll_push(request, cx) {
                    Ok(()) => self.state = State::Sent(reply),
                    Err(PushError::Closed(_)) => {
                        return Poll::Ready(Err(CallError::NoProcess));
                    }
                    Err(PushError::Full(request)) => {
                        if Pin::new(&mut reply).poll(cx).is_ready() {
                            return Poll::Ready(Err(CallError::Full));
                        }
                        self.state = State::Parked {
                            process,
                            request,
                            reply,
                        };
                        return Poll::Pending;
                    }
                },
                State::Sent(reply) => self.state = State::Sent(reply),
                State::Over => return Poll::Ready(Err(CallError::ReplyDropped)),
            }
        }
    }
}

impl<S: GenServer, R, D, F> fmt::Debug for Call<S, R, D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
