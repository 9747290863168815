//! `Incoming`: one thing that a process finds in its mailbox.

use std::any::Any;
use std::fmt;

use bytes::Bytes;

use crate::call::{Inbound, ReplyTo};
use crate::exit::ExitReason;
use crate::id::{Creation, MonitorRef, Pid, TimerRef};
use crate::node::PeerEvent;

/// One thing that a process finds in its mailbox, in the order in which it was sent.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever reads a mailbox handles all of it"
)]
pub enum Incoming<M> {
    /// A message from this node, typed.
    Message(M),
    /// A message from another node, to be decoded by the receiver.
    Encoded(Box<Inbound>),
    /// Anything else that a handler sees.
    Info(Box<Info>),
}

/// What a handler sees besides its messages. It is exempt from the mailbox's bound, but for
/// [`Flood`](Self::Flood).
#[non_exhaustive]
pub enum Info {
    /// A monitored process ended.
    Down(Down),
    /// A linked process ended, and this process traps exits.
    Exit(Exit),
    /// The process is asked to end in order.
    Stop(ExitReason),
    /// A node came or went; only for processes that asked for it.
    Node(PeerEvent),
    /// News that was flooded to the local name of this process; dropped where there is no room.
    Flood {
        /// The neighbour that told it.
        from: Creation,
        /// The news.
        payload: Bytes,
    },
    /// A timer of this process is due.
    Timer(TimerRef),
    /// No message came for as long as the process had asked for.
    Idle,
    /// Somebody wants to see the state of the process. A process that does not show it drops this.
    Describe(ReplyTo<Option<String>>),
    /// Anything that this node's own code posted.
    Other(Box<dyn Any + Send>),
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(down) => down.fmt(f),
            Self::Exit(exit) => exit.fmt(f),
            Self::Stop(reason) => f.debug_tuple("Stop").field(reason).finish(),
            Self::Node(event) => f.debug_tuple("Node").field(event).finish(),
            Self::Flood { from, payload } => {
                write!(f, "Flood({} bytes from {from})", payload.len())
            }
            Self::Timer(timer) => f.debug_tuple("Timer").field(timer).finish(),
            Self::Idle => f.write_str("Idle"),
            Self::Describe(_) => f.write_str("Describe"),
            Self::Other(_) => f.write_str("Other"),
        }
    }
}

/// A monitored process ended. There is exactly one for each monitor that is not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Down {
    /// Who ended.
    pub pid: Pid,
    /// The monitor.
    pub monitor: MonitorRef,
    /// Why. [`ExitReason::NoProcess`] if it had ended before the monitor was set,
    /// [`ExitReason::NoConnection`] if its node was lost.
    pub reason: ExitReason,
}

impl Down {
    /// The news that `pid` ended, for `monitor`.
    #[must_use]
    pub const fn new(pid: Pid, monitor: MonitorRef, reason: ExitReason) -> Self {
        Self {
            pid,
            monitor,
            reason,
        }
    }
}

/// A trapped exit signal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exit {
    /// Who ended, or asked this process to end.
    pub from: Pid,
    /// Why.
    pub reason: ExitReason,
}

impl Exit {
    /// An exit signal of `from`.
    #[must_use]
    pub const fn new(from: Pid, reason: ExitReason) -> Self {
        Self { from, reason }
    }
}
