//! `CallError`: what became of a call that has no reply.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::exit::ExitReason;
use crate::id::{CallRef, Creation};
use crate::router::RouteError;

/// What became of a call that has no reply. [`is_not_executed`](Self::is_not_executed) tells
/// whether the server certainly did not handle it.
///
/// # Examples
/// ```
/// use noex_core::CallError;
///
/// fn may_repeat(error: &CallError) -> bool {
///     error.is_not_executed() // it can't be done twice
/// }
///
/// assert!(may_repeat(&CallError::NoProcess));
/// assert!(!may_repeat(&CallError::Timeout));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CallError {
    /// No reply came in time. The server may have handled the call, or may yet.
    #[error("no reply in time")]
    Timeout,
    /// The deadline that the call inherited ran out.
    #[error("the inherited deadline ran out")]
    DeadlineInherited,
    /// The server waits for its caller, by way of other calls: none of them can be answered. Only
    /// where a call, or the node, asked for this.
    #[error("the call waits for itself")]
    Deadlock,
    /// There is no such process, or nobody holds the name.
    #[error("no such process")]
    NoProcess,
    /// The server ended before it replied.
    #[error("the server ended before it replied: {0}")]
    Exited(ExitReason),
    /// There is no connection with the server's node. If the call was `sent` before the
    /// connection was lost, the server may have handled it.
    #[error("no connection with the server's node")]
    NoConnection {
        /// Whether the call had been sent.
        sent: bool,
    },
    /// The server's mailbox, or the queue to its node, is full.
    #[error("the mailbox or the queue to the node is full")]
    Full,
    /// The server let go of the reply handle without replying.
    #[error("the server dropped the call without a reply")]
    ReplyDropped,
    /// The process called itself, which could never be answered.
    #[error("a process can't call itself")]
    CallingSelf,
    /// The process is a server of another type.
    #[error("the process is a server of another type")]
    WrongServer,
    /// The message holds something that can't leave its node.
    #[error("the message can't leave its node")]
    LocalOnly,
    /// The message or its reply can't be encoded, or does not decode as its type.
    #[error("message can't be encoded or decoded: {0}")]
    Codec(Arc<str>),
    /// The message is larger than a message may be.
    #[error("message of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most bytes that a message may have.
        limit: usize,
    },
    /// The server's node is shutting down and takes no new calls.
    #[error("the server's node is shutting down")]
    Draining,
    /// The server may not run because its node sees no majority.
    #[error("no quorum")]
    NoQuorum,
    /// There is no current node: this is neither a process nor inside a node's runtime.
    #[error("no current node: call from a process, under #[noex::main], or within node.enter()")]
    NoNode,
}

impl CallError {
    /// Whether the server certainly did not handle the call. If `false`, it may have.
    #[must_use]
    pub const fn is_not_executed(&self) -> bool {
        match self {
            Self::NoProcess
            | Self::Full
            | Self::CallingSelf
            | Self::WrongServer
            | Self::LocalOnly
            | Self::TooLarge { .. }
            | Self::Draining
            | Self::NoQuorum
            | Self::NoNode
            | Self::NoConnection { sent: false } => true,
            Self::Timeout
            | Self::DeadlineInherited
            | Self::Deadlock
            | Self::Exited(_)
            | Self::NoConnection { sent: true }
            | Self::ReplyDropped
            | Self::Codec(_) => false,
        }
    }
}

impl From<RouteError> for CallError {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::NoConnection => Self::NoConnection { sent: false },
            RouteError::Full => Self::Full,
            RouteError::TooLarge { size, limit } => Self::TooLarge { size, limit },
        }
    }
}

/// Where the reply to a call goes: the caller's node, and the call's number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplyAddress {
    /// The caller's node.
    pub node: Creation,
    /// The call.
    pub call: CallRef,
}

impl ReplyAddress {
    /// The address of `call` on `node`.
    #[must_use]
    pub const fn new(node: Creation, call: CallRef) -> Self {
        Self { node, call }
    }
}
