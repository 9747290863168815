//! `Signal`: everything that one process does to another, here or on another node.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::call::{CallError, ReplyAddress};
use crate::exit::ExitReason;
use crate::id::{CallRef, Creation, MonitorRef, Pid};

/// To whom a signal goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// The process with this pid.
    Process(Pid),
    /// The process that holds this local name on that node.
    Named {
        /// The node.
        node: Creation,
        /// The name there.
        name: Arc<str>,
    },
    /// The node itself: answers to the calls of its processes.
    Node(Creation),
}

impl Target {
    /// The life of the node that the signal goes to.
    #[must_use]
    pub const fn creation(&self) -> Creation {
        match self {
            Self::Process(pid) => pid.creation(),
            Self::Named { node, .. } | Self::Node(node) => *node,
        }
    }
}

/// Everything that one process does to another. The mailbox and the wire carry this same list.
///
/// # Examples
/// ```
/// use noex_core::process::SpawnOptions;
/// use noex_core::{ExitReason, LocalNode, Signal, Target};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
/// let process = node.spawn::<(), _, _>(SpawnOptions::default(), |_mailbox| async {
///     std::future::pending().await
/// });
/// let kill = Signal::Exit { from: node.pid(), reason: ExitReason::Killed, linked: false };
/// node.send(&Target::Process(process.pid()), kill).unwrap();
/// assert_eq!(node.ended(process.pid()).await, ExitReason::Killed);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Signal {
    /// A call or a cast, encoded.
    Message(Encoded),
    /// `from` binds its life to the target's.
    Link {
        /// The other end of the link.
        from: Pid,
    },
    /// `from` takes its link back.
    Unlink {
        /// The other end of the link.
        from: Pid,
    },
    /// `from` ended, or asks the target to end.
    Exit {
        /// Who ended or asks.
        from: Pid,
        /// Why.
        reason: ExitReason,
        /// Whether the signal came over a link.
        linked: bool,
    },
    /// `from` wants to know when the target ends.
    Monitor {
        /// Who wants to know.
        from: Pid,
        /// Under which number.
        monitor: MonitorRef,
    },
    /// `from` does not want to know any more.
    Demonitor {
        /// Who wanted to know.
        from: Pid,
        /// Under which number.
        monitor: MonitorRef,
    },
    /// The answer to a monitor: `pid` ended.
    Down {
        /// Who ended.
        pid: Pid,
        /// The monitor's number.
        monitor: MonitorRef,
        /// Why it ended.
        reason: ExitReason,
    },
    /// Asks a server to end in order, behind the messages that it was sent before.
    Stop {
        /// The reason to end with.
        reason: ExitReason,
    },
    /// The reply to a call of the target node.
    Reply {
        /// Which call.
        call: CallRef,
        /// The encoded reply.
        body: Bytes,
    },
    /// A call of the target node will get no reply.
    CallFailed {
        /// Which call.
        call: CallRef,
        /// Why.
        error: CallError,
    },
    /// The handle that answers a call of the target node went to another node.
    CallMoved {
        /// Which call.
        call: CallRef,
        /// The node that holds the handle now.
        to: Creation,
    },
    /// The caller gave up a call that it made to the target node.
    CallCancelled {
        /// Which call, named by its caller.
        call: ReplyAddress,
    },
    /// News for the process of this name, which is to pass it on.
    Flood {
        /// The neighbour that tells it.
        from: Creation,
        /// The news.
        payload: Bytes,
    },
}

/// A call or cast in encoded form.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Encoded {
    /// The sender, if it was a process.
    pub from: Option<Pid>,
    /// The hash of the protocol that the payload belongs to.
    pub protocol: u64,
    /// For a call: how long the caller still waits. `None` for a cast.
    pub remaining: Option<Duration>,
    /// The replies that the payload can give, in the order in which it mentions them. The first
    /// one of a call is the call's own.
    pub replies: Vec<ReplyAddress>,
    /// The message.
    pub payload: Bytes,
}

impl Encoded {
    /// A message of `protocol` with this payload and these replies; `remaining` makes it a call.
    #[must_use]
    pub const fn new(
        from: Option<Pid>,
        protocol: u64,
        remaining: Option<Duration>,
        replies: Vec<ReplyAddress>,
        payload: Bytes,
    ) -> Self {
        Self {
            from,
            protocol,
            remaining,
            replies,
            payload,
        }
    }
}
