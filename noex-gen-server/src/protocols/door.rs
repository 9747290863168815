//! `Door`: a server of this node that accepts a protocol, whatever its type.

use std::any::Any;
use std::task::{Context, Poll};

use noex_core::call::{CallGuard, Parties};
use noex_core::mailbox::PushError;
use noex_core::process::Process;
use noex_core::{CallError, LocalNode};

use super::{Accepts, Protocol};
use crate::{CastError, Request};

/// A server of this node that accepts the protocol `P`, whatever its type: messages go into its
/// mailbox as its own, neither encoded nor boxed.
pub(super) trait Door<P: Protocol + ?Sized>: Send + Sync {
    fn node(&self) -> &LocalNode;
    /// The code that runs, and the server.
    fn parties(&self) -> Parties;
    /// Queues a call, or gives what has to wait for room in the mailbox.
    fn call(&self, call: P::Call, guard: CallGuard) -> Result<Option<Parked>, CallError>;
    /// Queues what had to wait.
    fn poll_parked(&self, parked: &mut Parked, cx: &mut Context<'_>)
    -> Poll<Result<(), CallError>>;
    fn cast(&self, cast: P::Cast) -> Result<(), CastError<P::Cast>>;
}

/// A request that waits for room in the mailbox of the door that gave it: it alone knows its type.
pub(super) struct Parked(Box<dyn Any + Send>);

impl<P: Protocol + ?Sized, S: Accepts<P>> Door<P> for Process<Request<S>> {
    fn node(&self) -> &LocalNode {
        self.node()
    }

    fn parties(&self) -> Parties {
        Parties::with(self)
    }

    fn call(&self, call: P::Call, guard: CallGuard) -> Result<Option<Parked>, CallError> {
        match self
            .mailbox()
            .push(Request::Call(S::wrap_call(call), guard))
        {
            Ok(()) => Ok(None),
            Err(PushError::Full(request)) => Ok(Some(Parked(Box::new(Some(request))))),
            Err(PushError::Closed(_)) => Err(CallError::NoProcess),
        }
    }

    fn poll_parked(
        &self,
        parked: &mut Parked,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), CallError>> {
        let slot = parked.0.downcast_mut::<Option<Request<S>>>();
        let slot = slot.expect("a door is asked for what it parked itself");
        let Some(request) = slot.take() else {
            return Poll::Ready(Ok(()));
        };
        match self.mailbox().poll_push(request, cx) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(PushError::Full(request)) => {
                *slot = Some(request);
                Poll::Pending
            }
            Err(PushError::Closed(_)) => Poll::Ready(Err(CallError::NoProcess)),
        }
    }

    fn cast(&self, cast: P::Cast) -> Result<(), CastError<P::Cast>> {
        let pushed = self.mailbox().push(Request::Cast(S::wrap_cast(cast)));
        pushed.map_err(|refused| match refused {
            PushError::Full(request) => CastError::Full(take_back::<P, S>(request)),
            PushError::Closed(request) => CastError::NoProcess(take_back::<P, S>(request)),
        })
    }
}

fn take_back<P: Protocol + ?Sized, S: Accepts<P>>(request: Request<S>) -> P::Cast {
    let cast = match request {
        Request::Cast(cast) => S::unwrap_cast(cast),
        Request::Call(..) => None,
    };
    cast.expect("unwrap_cast undoes wrap_cast")
}
