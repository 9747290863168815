//! Pure: what members tell each other over the control connection.

use std::time::Duration;

use noex_core::Peer;
use serde::{Deserialize, Serialize};

/// The most records in one message, so that no gossip delays a heartbeat for long. What a peer
/// says beyond them is not read.
pub(crate) const RECORDS_MAX: usize = 64;

/// What members tell each other over the control connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The sender is alive, and this is how it fares.
    Heartbeat(Facts),
    /// Members that the sender knows: all of them, or the news.
    Members(Vec<Record>),
}

/// How a node fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// How many processes run on it.
    pub process_count: u64,
    /// How long it has been running.
    pub uptime: Duration,
}

/// What is known of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Who: the identity holds the advertised address.
    pub peer: Peer,
    /// The static key of its sessions in this life.
    pub key: [u8; 32],
    /// How often it had to show that it lives; the higher one is the newer record.
    pub incarnation: u64,
    /// How the sender sees it.
    pub standing: Standing,
}

/// How the sender of a record sees its member. A down is no fact to pass on, so it is not here:
/// each member finds it out by its own session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// It is up.
    Up,
    /// It said goodbye.
    Left,
}

impl Message {
    /// The records in as many messages as it takes.
    pub(crate) fn members(records: &[Record]) -> impl Iterator<Item = Self> + '_ {
        records
            .chunks(RECORDS_MAX)
            .map(|chunk| Self::Members(chunk.to_vec()))
    }
}
