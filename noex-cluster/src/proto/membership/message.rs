//! Pure: what members tell each other over the control connection.

use std::sync::Arc;
use std::time::Duration;

use noex_core::{Creation, Peer};
use serde::{Deserialize, Serialize};

/// The most records in one message, so that no gossip delays a heartbeat for long. What a peer
/// says beyond them is not read.
pub(crate) const RECORDS_MAX: usize = 64;

/// The most pieces of news in one message; a peer's further ones are not read.
pub(crate) const NEWS_MAX: usize = 128;

/// The most reports of how others fare in one digest; a peer's further ones are not read.
pub(crate) const REPORTS_MAX: usize = 8;

/// What members tell each other over the control connection. A later version that has more to say
/// adds a kind of message, which this one skips.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The sender is alive, and this is how it fares.
    Heartbeat(Facts),
    /// The receiver is to say that it is alive.
    Ping,
    /// The sender is alive.
    Pong,
    /// The receiver is to find out whether this life of a node is alive.
    Ask {
        /// Which one.
        about: Creation,
    },
    /// This life of a node is alive: the sender has just heard from it.
    Seen {
        /// Which one.
        who: Creation,
    },
    /// The sender was asked about this life of a node, and has not heard from it either.
    Unseen {
        /// Which one.
        who: Creation,
    },
    /// What all members are to know.
    News(Arc<Vec<News>>),
    /// What the sender knows of all members; one of several messages.
    State(State),
    /// A summary of what the sender knows.
    Digest(Digest),
    /// Nobody has had any use for the session for long. The sender has ended its lane, or is about
    /// to, and the receiver is to do so too.
    Rest,
    /// The sender has had all that came over the lane of the session that is to rest.
    Rested,
}

/// What is flooded: everybody who learns it tells its neighbours, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// A member is up, by its own word if it is about an incarnation that was not known.
    Up(Record),
    /// A member said goodbye.
    Left(Life),
    /// Somebody holds a member for down that others may hold for up. It is no verdict: the member
    /// hears of it and raises its incarnation.
    Down(Life),
    /// A vote for a member to be down.
    Vote(Vote),
    /// Somebody is suspected of silence whom the teller has just heard.
    Heard(Life),
    /// In the roll call that is going on, this life of a node is present.
    Present(Creation),
}

/// One life of a node, as it was at one incarnation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Which life.
    pub creation: Creation,
    /// The incarnation that this is about.
    pub incarnation: u64,
}

impl Life {
    /// Of two lives of one node, whether this is the later one. Its first incarnation is when it
    /// began, and whoever finds an earlier life to have a higher one raises its own above that.
    pub(crate) fn is_later_than(self, other: Self) -> bool {
        (self.incarnation, self.creation) > (other.incarnation, other.creation)
    }
}

/// One member's vote for another to be down. The age is a duration, so that no two clocks are
/// compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who is suspected.
    pub suspect: Life,
    /// Who suspects it.
    pub voter: Creation,
    /// For how long it has been silent.
    pub age: Duration,
    /// Why.
    pub cause: Cause,
}

/// Why a member votes against another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Nothing was heard.
    Silent,
    /// The connection closed, and a new one was refused, reset or answered by another life.
    Closed,
}

/// How a node fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// How many processes run on it.
    pub process_count: u64,
    /// How long it has been running.
    pub uptime: Duration,
}

/// How another node fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which node.
    pub creation: Creation,
    /// How it fared.
    pub facts: Facts,
    /// How long ago it said so.
    pub age: Duration,
}

/// Who a node is, for all of one life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The identity, which holds the advertised address, and the life.
    pub peer: Peer,
    /// The static key of its sessions in this life.
    pub key: [u8; 32],
}

/// What is known of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who.
    pub who: Arc<Who>,
    /// How often it had to show that it lives; the higher one is the newer record.
    pub incarnation: u64,
    /// How the sender sees it.
    pub standing: Standing,
}

/// How the sender of a record sees its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It is up.
    Up,
    /// It was silent, or its connections closed.
    Down,
    /// It said goodbye.
    Left,
}

/// What the sender knows of all members; one of several messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Some of the members.
    pub records: Vec<Record>,
    /// Whether the receiver is to tell its own.
    pub is_question: bool,
}

/// A summary of what the sender knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The same for two nodes that hold the same members for up, in the same incarnations.
    pub view: u64,
    /// Whether nothing has changed for a while, so that a difference is no news under way.
    pub is_settled: bool,
    /// How some of the others fare.
    pub reports: Vec<Report>,
}

impl Record {
    /// The life that it is about.
    pub(crate) fn life(&self) -> Life {
        Life {
            creation: self.who.peer.creation,
            incarnation: self.incarnation,
        }
    }
}

impl State {
    /// The records in as many messages as it takes; the last one asks for the receiver's.
    pub(crate) fn messages(
        records: &[Record],
        is_question: bool,
    ) -> impl Iterator<Item = Message> + '_ {
        let last = records.len().div_ceil(RECORDS_MAX).saturating_sub(1);
        let chunks = records.chunks(RECORDS_MAX).enumerate();
        chunks.map(move |(index, chunk)| {
            Message::State(Self {
                records: chunk.to_vec(),
                is_question: is_question && index == last,
            })
        })
    }
}
