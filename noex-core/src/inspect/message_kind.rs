//! `MessageKind`: what kind of message a process handles.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::call::Inbound;
use crate::mailbox::{Incoming, Info};

/// What kind of message a process took out of its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// A message of a process that is no server.
    Message,
    /// A call of this node.
    Call,
    /// A cast of this node.
    Cast,
    /// A call of another node.
    RemoteCall,
    /// A cast of another node.
    RemoteCast,
    /// The end of a process that it monitors.
    Down,
    /// A trapped exit.
    Exit,
    /// It was asked to stop.
    Stop,
    /// A node came or went.
    Node,
    /// News that was flooded to its name.
    Flood,
    /// A timer.
    Timer,
    /// No message came for long.
    Idle,
    /// Somebody wanted to see its state.
    Describe,
    /// Anything else that this node's own code posted.
    Other,
}

/// In the order of their numbers, which begin with 1.
const KINDS: [MessageKind; 14] = [
    MessageKind::Message,
    MessageKind::Call,
    MessageKind::Cast,
    MessageKind::RemoteCall,
    MessageKind::RemoteCast,
    MessageKind::Down,
    MessageKind::Exit,
    MessageKind::Stop,
    MessageKind::Node,
    MessageKind::Flood,
    MessageKind::Timer,
    MessageKind::Idle,
    MessageKind::Describe,
    MessageKind::Other,
];

impl MessageKind {
    /// The kind of a message from another node.
    #[must_use]
    pub const fn of_encoded(message: &Inbound) -> Self {
        if message.is_call() {
            Self::RemoteCall
        } else {
            Self::RemoteCast
        }
    }

    /// The kind of what is neither call nor cast.
    #[must_use]
    pub const fn of_info(info: &Info) -> Self {
        match info {
            Info::Down(_) => Self::Down,
            Info::Exit(_) => Self::Exit,
            Info::Stop(_) => Self::Stop,
            Info::Node(_) => Self::Node,
            Info::Flood { .. } => Self::Flood,
            Info::Timer(_) => Self::Timer,
            Info::Idle => Self::Idle,
            Info::Describe(_) => Self::Describe,
            Info::Other(_) => Self::Other,
        }
    }

    /// The kind of anything, if a message of this node is `message`.
    pub(crate) fn of<M>(incoming: &Incoming<M>, message: impl FnOnce(&M) -> Self) -> Self {
        match incoming {
            Incoming::Message(typed) => message(typed),
            Incoming::Encoded(inbound) => Self::of_encoded(inbound),
            Incoming::Info(info) => Self::of_info(info),
        }
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Call => "call",
            Self::Cast => "cast",
            Self::RemoteCall => "remote call",
            Self::RemoteCast => "remote cast",
            Self::Down => "down",
            Self::Exit => "exit",
            Self::Stop => "stop",
            Self::Node => "node",
            Self::Flood => "flood",
            Self::Timer => "timer",
            Self::Idle => "idle",
            Self::Describe => "describe",
            Self::Other => "other",
        })
    }
}

/// The kind of the message that was taken last, and whether it is still being handled, as its
/// process leaves it for others to see.
#[derive(Debug)]
pub(crate) struct LastKind(AtomicU8);

/// It is still being handled.
const HANDLED: u8 = 0x80;

impl LastKind {
    pub(crate) const fn none() -> Self {
        Self(AtomicU8::new(0))
    }

    #[inline]
    pub(crate) fn set(&self, kind: MessageKind) {
        let kind = (kind as u8 + 1) | HANDLED;
        // Senders look at what lies beside it: each write costs them a cache miss.
        if self.0.load(Ordering::Relaxed) != kind {
            self.0.store(kind, Ordering::Relaxed);
        }
    }

    /// It has been handled. Only the process itself writes.
    #[inline]
    pub(crate) fn rest(&self) {
        let kind = self.0.load(Ordering::Relaxed) & !HANDLED;
        self.0.store(kind, Ordering::Relaxed);
    }

    pub(crate) fn is_handled(&self) -> bool {
        self.0.load(Ordering::Relaxed) & HANDLED != 0
    }

    pub(crate) fn get(&self) -> Option<MessageKind> {
        let number = usize::from(self.0.load(Ordering::Relaxed) & !HANDLED);
        number
            .checked_sub(1)
            .and_then(|index| KINDS.get(index).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_seen_as_it_was_left() {
        let last = LastKind::none();
        assert_eq!(last.get(), None);
        for kind in KINDS {
            last.set(kind);
            assert_eq!(last.get(), Some(kind));
        }
    }
}
