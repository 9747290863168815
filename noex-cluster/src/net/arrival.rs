//! `Arrival`: what the tasks around the driver tell it.

use std::net::SocketAddr;

use noex_core::Peer;
use tokio::sync::oneshot;

use super::stream::SecureStream;
use crate::proto::membership::{DialFailure, DialId, Facts, Message, SessionId, Stream};
use crate::proto::wire::Verdict;

/// What the tasks around the driver tell it.
#[derive(Debug)]
pub(super) enum Arrival {
    /// The addresses behind a seed.
    Resolved {
        seed: usize,
        addresses: Vec<SocketAddr>,
    },
    /// Somebody answers a dial, which waits for leave to go on.
    Identified {
        dial: DialId,
        claim: Claim,
        proceed: oneshot::Sender<()>,
    },
    /// A dial came to nothing.
    DialFailed { dial: DialId, how: DialFailure },
    /// A dial was accepted, with all streams.
    Dialled {
        dial: DialId,
        claim: Claim,
        control: Box<SecureStream>,
        lane: Box<SecureStream>,
    },
    /// Somebody wants a session.
    Asked {
        claim: Claim,
        verdict: oneshot::Sender<Verdict>,
    },
    /// It was told that it may have it.
    Accepted {
        session: SessionId,
        control: Box<SecureStream>,
    },
    /// Somebody brings the lane of a session.
    LaneAsked {
        session: SessionId,
        claim: Claim,
        verdict: oneshot::Sender<Verdict>,
    },
    /// It was told that the lane is welcome.
    LaneAccepted {
        session: SessionId,
        lane: Box<SecureStream>,
    },
    /// The lane of an accepted session did not come.
    LaneOverdue { session: SessionId },
    /// Nobody has used a session for long, and nobody here waits for anything from there.
    Idle { session: SessionId },
    /// Authenticated bytes came over a control connection.
    Heard { session: SessionId },
    /// A message came over a control connection.
    Message {
        session: SessionId,
        message: Message,
    },
    /// A peer said goodbye.
    Goodbye { session: SessionId },
    /// A peer ended its lane, and everything on it was delivered.
    LaneEnded { session: SessionId },
    /// A stream closed.
    Closed { session: SessionId, stream: Stream },
}

/// Who somebody proved to be, and how that node fares.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// Who.
    pub(super) peer: Peer,
    /// The static key that it proved to hold.
    pub(super) key: [u8; 32],
    /// The first incarnation of this life.
    pub(super) incarnation: u64,
    /// What it said of itself.
    pub(super) facts: Facts,
}

impl Claim {
    /// Whether both are of the same node, by the same key.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.peer == other.peer && self.key == other.key
    }
}
