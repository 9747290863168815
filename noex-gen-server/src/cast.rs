//! Casts: messages that nobody waits for.

use noex_core::mailbox::PushError;
use noex_core::process::{Process, current_pid};
use noex_core::{CallError, Encoded, LocalNode, Target, codec};

use crate::request::protocol_of;
use crate::{Address, CastError, Dest, GenServer, Request};

/// Queues `message` for the server at `to`, or gives it back.
pub(crate) fn send<S: GenServer, D: Dest<S>>(
    to: &D,
    message: S::Cast,
) -> Result<(), CastError<S::Cast>> {
    if let Some(process) = to.held() {
        return push(process, message);
    }
    match to.resolve() {
        Ok(Address::Local(process)) => push(&process, message),
        Ok(Address::Remote { node, target }) => {
            let sent = send_encoded::<S>(&node, &target, &message);
            sent.map_err(|error| CastError::of(message, error))
        }
        Err(error) => Err(CastError::of(message, error)),
    }
}

fn push<S: GenServer>(
    process: &Process<Request<S>>,
    message: S::Cast,
) -> Result<(), CastError<S::Cast>> {
    process
        .mailbox()
        .push_made(|| Request::Cast(message))
        .map_err(|refused| match refused {
            PushError::Full(request) => CastError::Full(take_back(request)),
            PushError::Closed(request) => CastError::NoProcess(take_back(request)),
        })
}

fn send_encoded<S: GenServer>(
    node: &LocalNode,
    target: &Target,
    message: &S::Cast,
) -> Result<(), CallError> {
    let (payload, replies) = codec::encode(node, target.creation(), message)?;
    let message = Encoded::new(current_pid(), protocol_of::<S>(), None, replies, payload);
    node.send_message(target, message)
}

pub(crate) fn take_back<S: GenServer>(request: Request<S>) -> S::Cast {
    match request {
        Request::Cast(message) => message,
        Request::Call(..) => unreachable!("a mailbox gives back the request that it refused"),
    }
}
