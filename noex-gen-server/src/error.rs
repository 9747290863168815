//! `StartError` and `CastError`.

use std::fmt;
use std::sync::Arc;

use noex_core::{CallError, ExitReason, NameError, Pid};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a server did not start. No process of it is left.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StartError {
    /// Its `init` gave an error, or panicked.
    #[error("init failed: {0}")]
    Init(ExitReason),
    /// Its `init` was not done in time; it was killed.
    #[error("init was not done in time")]
    Timeout,
    /// Its name is held by another process.
    #[error("already started as {0}")]
    AlreadyStarted(Pid),
    /// Its name breaks the rule for names.
    #[error("a name has 1 to 255 bytes")]
    InvalidName,
    /// No server of that type is registered on the node that was to start it.
    #[error("no server type `{0}` is registered on that node; see `register_server!`")]
    UnknownType(Arc<str>),
    /// The node that was to start it was not reached, or did not answer.
    #[error("the node did not start it: {0}")]
    Node(CallError),
    /// There is no current node.
    #[error(
        "no current node: start it from a process, under #[noex::main], within node.enter(), \
         or with .on(&node)"
    )]
    NoNode,
}

impl StartError {
    pub(crate) fn of_name(error: &NameError, pid: Pid) -> Self {
        match error {
            NameError::Taken(holder) => Self::AlreadyStarted(*holder),
            NameError::NoProcess => Self::Init(ExitReason::NoProcess),
            NameError::Invalid => Self::InvalidName,
            other => Self::Init(ExitReason::error(format_args!("naming {pid}: {other}"))),
        }
    }
}

/// Why a cast was not queued; the message is given back where it can be.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CastError<C> {
    /// The server's mailbox, or the queue to its node, is full.
    #[error("the mailbox or the queue to the node is full")]
    Full(C),
    /// There is no such process, or nobody holds the name. A cast to another node can't tell.
    #[error("no such process")]
    NoProcess(C),
    /// There is no connection with the server's node.
    #[error("no connection with the server's node")]
    NoConnection(C),
    /// Another cause, as a call would have it.
    #[error("{1}")]
    Other(C, CallError),
}

impl<C> CastError<C> {
    pub(crate) fn of(message: C, error: CallError) -> Self {
        match error {
            CallError::Full => Self::Full(message),
            CallError::NoProcess => Self::NoProcess(message),
            CallError::NoConnection { .. } => Self::NoConnection(message),
            other => Self::Other(message, other),
        }
    }

    /// The message.
    pub fn into_message(self) -> C {
        match self {
            Self::Full(message)
            | Self::NoProcess(message)
            | Self::NoConnection(message)
            | Self::Other(message, _) => message,
        }
    }
}

/// A message need not be printable.
impl<C> fmt::Debug for CastError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full"),
            Self::NoProcess(_) => f.write_str("NoProcess"),
            Self::NoConnection(_) => f.write_str("NoConnection"),
            Self::Other(_, error) => f.debug_tuple("Other").field(error).finish(),
        }
    }
}
