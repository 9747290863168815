//! `CastWait`: a cast that waits for room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use noex_core::mailbox::PushError;
use noex_core::process::Process;

use crate::cast::{send, take_back};
use crate::{Address, CastError, Dest, GenServer, Request};

/// A cast that waits while the server's mailbox is full; made by [`GenServer::cast_wait`]. It is
/// sent when it is first polled, or later.
///
/// # Errors
/// [`CastError`] hands the message back.
///
/// # Cancel safety
/// Dropping it before it is done drops the message: it was not queued.
#[must_use = "a cast that waits does nothing unless it is awaited"]
pub struct CastWait<S: GenServer, D> {
    to: D,
    /// Until it is queued.
    message: Option<S::Cast>,
    /// Whose mailbox was full.
    full: Option<Arc<Process<Request<S>>>>,
}

/// Nothing in it is ever pinned.
impl<S: GenServer, D> Unpin for CastWait<S, D> {}

impl<S: GenServer, D: Dest<S>> CastWait<S, D> {
    pub(crate) const fn new(to: D, message: S::Cast) -> Self {
        Self {
            to,
            message: Some(message),
            full: None,
        }
    }

    /// The process of this node that is to get it, if it is one that can be waited for.
    fn process(&mut self) -> Option<Arc<Process<Request<S>>>> {
        if let Some(process) = self.full.take() {
            return Some(process);
        }
        let process = match self.to.held() {
            Some(process) => Arc::clone(process),
            None => match self.to.resolve() {
                Ok(Address::Local(process)) => process,
                Ok(Address::Remote { .. }) | Err(_) => return None,
            },
        };
        // Who waits for itself waits for ever.
        (!process.is_current()).then_some(process)
    }
}

impl<S: GenServer, D: Dest<S>> Future for CastWait<S, D> {
    type Output = Result<(), CastError<S::Cast>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(message) = this.message.take() else {
            return Poll::Pending;
        };
        let Some(process) = this.process() else {
            return Poll::Ready(send(&this.to, message));
        };
        match process.mailbox().poll_push(Request::Cast(message), cx) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(PushError::Closed(request)) => {
                Poll::Ready(Err(CastError::NoProcess(take_back(request))))
            }
            Err(PushError::Full(request)) => {
                this.message = Some(take_back(request));
                this.full = Some(process);
                Poll::Pending
            }
        }
    }
}

impl<S: GenServer, D> fmt::Debug for CastWait<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CastWait")
            .field("waits", &self.full.is_some())
            .finish_non_exhaustive()
    }
}
