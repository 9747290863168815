//! Pure: what the shell tells the membership machine.

use std::net::SocketAddr;

use noex_core::{Creation, NodeId, Peer};

use super::message::Message;
use super::output::{DialId, SessionId};
use crate::proto::wire::Refusal;

/// What the shell tells the membership machine.
#[derive(Debug, Clone)]
pub enum Input {
    /// The addresses behind a seed; none if it can't be resolved now.
    Resolved {
        seed: usize,
        addresses: Vec<SocketAddr>,
    },
    /// The node that answers a dial proved who it is; it does not know yet who dials.
    Identified {
        dial: DialId,
        peer: Peer,
        key: [u8; 32],
    },
    /// A dial came to nothing.
    DialFailed { dial: DialId, how: DialFailure },
    /// A node that proved who it is wants a session.
    Asked {
        session: SessionId,
        peer: Peer,
        key: [u8; 32],
    },
    /// An accepted session closed before all its streams were there.
    AcceptFailed { session: SessionId },
    /// All streams of a session are there.
    SessionOpened {
        session: SessionId,
        peer: Peer,
        key: [u8; 32],
        /// The peer's first incarnation.
        incarnation: u64,
        via: Via,
    },
    /// A stream of the session closed.
    Closed { session: SessionId, stream: Stream },
    /// The peer said goodbye on the control connection.
    Goodbye { session: SessionId },
    /// The peer ended its lane, and all that came over it was delivered.
    LaneEnded { session: SessionId },
    /// Authenticated bytes came over the control connection.
    Heard { session: SessionId },
    /// A message came over the control connection.
    Message {
        session: SessionId,
        message: Message,
    },
    /// A signal waits for a session with this life of a node.
    Wanted { peer: Creation },
    /// Nothing has gone over the session for long, and nobody here waits for anything from there.
    Rest { session: SessionId },
    /// The user wants a session with this member, at once.
    Reconnect { node: NodeId },
    /// The user wants no session with this member.
    Disconnect { node: NodeId },
    /// The user wants to leave the cluster.
    Leave,
}

/// Which side began a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// We did, by this dial.
    Dial(DialId),
    /// The peer did.
    Accept,
}

/// A stream of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Heartbeats and gossip.
    Control,
    /// Signals.
    Lane,
}

/// Why a dial came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialFailure {
    /// Nobody listens at the address.
    Refused,
    /// The connection was cut before the other side proved who it is.
    Reset,
    /// The connection was cut after the other side proved who it is.
    Lost,
    /// Nobody answered.
    NoAnswer,
    /// The node answered, and declined.
    Declined(Refusal),
}
