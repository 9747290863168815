//! Pure: what the membership machine wants done.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use noex_core::{Creation, NodeDownReason, NodeId, Peer};

use super::message::{Facts, Message};
use super::status::Status;
use crate::proto::wire::Refusal;

/// Names one dial; given by the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// Names one session on this node; given by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Where a dial goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// An address behind a seed.
    Address(SocketAddr),
    /// The advertised address of a member.
    Node(NodeId),
}

/// What the membership machine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Find the addresses behind a seed.
    Resolve { seed: usize },
    /// Open a connection and find out who answers.
    Dial { dial: DialId, to: Endpoint },
    /// Say who we are, and ask for a session.
    Proceed { dial: DialId },
    /// Give the dial up.
    CancelDial { dial: DialId },
    /// Answer the node that asks for a session.
    Answer {
        session: SessionId,
        answer: Result<(), Refusal>,
    },
    /// Say that we are alive.
    Heartbeat { session: SessionId },
    /// Send a message over the control connection.
    Send {
        session: SessionId,
        message: Message,
    },
    /// End the lane behind what is queued, say goodbye, and close.
    Farewell { session: SessionId },
    /// End the lane behind what is queued. What comes up from now on waits for the next session.
    Rest { session: SessionId },
    /// The session closed because nobody had any use for it, and nothing was lost with it.
    SessionRested { peer: Peer },
    /// Close every stream of the session.
    CloseSession { session: SessionId },
    /// A node is up; there need be no session with it.
    PeerUp { peer: Peer },
    /// Signals to a node that is up go over this session from now on.
    SessionOpened { peer: Peer, session: SessionId },
    /// The session with a node that is up was lost, or the one that was wanted can't be had.
    SessionLost { peer: Peer },
    /// A node is down.
    PeerDown { peer: Peer, reason: NodeDownReason },
    /// These are the neighbours with whom there is a session: what they are told, and tell on in
    /// their turn, reaches every node.
    Neighbours { nodes: Vec<Creation> },
    /// This is how a member fared, so long ago.
    Facts {
        peer: Peer,
        facts: Facts,
        age: Duration,
    },
    /// A member that was down for long is not known any more.
    Forgotten { node: NodeId },
    /// Our own status changed.
    Status(Status),
    /// The operator should know.
    Notice(Notice),
}

/// What the operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Behind a seed is a node of another name than expected.
    OtherName {
        address: SocketAddr,
        expected: String,
        found: NodeId,
    },
    /// Another live node has our own identity. `is_member`: some nodes know us all the same.
    NameTaken { is_member: bool },
    /// A node showed another static key than the one known for its life.
    WrongKey { peer: Peer },
    /// Two live nodes have one identity; this is the second one, and it was refused.
    TwoLives { peer: Peer },
    /// There are more members than are kept; this one was not recorded.
    TooManyMembers { node: NodeId },
    /// Our own process was paused, or its machine was.
    Paused,
}

impl fmt::Display for DialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dial {}", self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.0)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Node(node) => node.fmt(f),
        }
    }
}
