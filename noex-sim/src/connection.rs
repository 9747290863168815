//! `Connection`: what carries a session, as TCP does: in order, late, or not at all.

use noex_cluster::sim::{Message, SessionId};

use crate::time::At;
use crate::truth::LifeIndex;

/// A connection, and how far its opening has come.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The dialler's end, and the other one.
    pub ends: [End; 2],
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct End {
    /// On which host.
    pub host: usize,
    /// Of which life.
    pub life: LifeIndex,
    /// Whether it is open.
    pub is_open: bool,
    /// When the last packet on its way comes in: none overtakes another.
    pub last_at: At,
    /// Until when the sender has to retransmit something: what it sends meanwhile waits for that,
    /// and goes out together.
    pub resent_until: At,
    /// What waits for that, if that is not over.
    pub batch: Option<Batch>,
    /// What waits for the path to this end to open again, and since when.
    pub held: Vec<Packet>,
    pub held_since: Option<At>,
}

/// What goes out together behind a retransmission.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    /// When it goes out.
    pub sent_at: At,
    /// When it comes in.
    pub at: At,
    /// Whether it has to be retransmitted too.
    pub is_resent: bool,
}

impl End {
    /// When what is sent now goes out, and with what, if something waits for that already.
    pub(crate) fn departure(&mut self, now: At) -> (At, Option<Batch>) {
        if let Some(batch) = self.batch.take_if(|batch| batch.sent_at <= now)
            && batch.is_resent
        {
            self.resent_until = batch.at;
        }
        (now.max(self.resent_until), self.batch)
    }
}

/// What goes over a connection.
#[derive(Debug, Clone)]
pub(crate) enum Packet {
    Message(Message),
    LaneEnd,
    Goodbye,
    Close,
}

/// One end of one connection. As a session's number, it names both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EndIndex(pub u32);

impl EndIndex {
    pub(crate) fn of(connection: usize, end: usize) -> Self {
        Self(u32::try_from(2 * connection + end).expect("fewer than 2 billion connections"))
    }

    pub(crate) const fn connection(self) -> usize {
        (self.0 / 2) as usize
    }

    pub(crate) const fn end(self) -> usize {
        (self.0 % 2) as usize
    }

    pub(crate) const fn other(self) -> Self {
        Self(self.0 ^ 1)
    }

    pub(crate) const fn session(self) -> SessionId {
        SessionId(self.0 as u64)
    }

    pub(crate) fn of_session(session: SessionId) -> Self {
        Self(u32::try_from(session.0).expect("the simulator gave this number"))
    }
}

impl End {
    pub(crate) const fn new(host: usize, life: LifeIndex) -> Self {
        Self {
            host,
            life,
            is_open: false,
            last_at: At::START,
            resent_until: At::START,
            batch: None,
            held: Vec::new(),
            held_since: None,
        }
    }
}
