//! Pure: `Hello`, what two nodes tell each other about themselves, encrypted.

use std::time::Duration;

use noex_core::{Creation, NodeId};
use rmp_serde::Deserializer;
use serde::{Deserialize, Serialize};

use super::error::HandshakeError;

/// A hello has two levels of nesting; deeper ones are no hello of any version.
const DEPTH_MAX: usize = 8;

/// What a node tells about itself before anything else.
///
/// It is encoded with the names of its fields: a field that the reader does not know is skipped,
/// one that the writer does not know has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Who it is.
    pub(crate) node: NodeId,
    /// Which of its lives this is.
    pub(crate) creation: Creation,
    /// What the connection is for.
    #[serde(default)]
    pub(crate) purpose: Purpose,
    /// The lowest and the highest version of the wire format that it speaks.
    pub(crate) versions: (u16, u16),
    /// What else it can do, one bit each.
    #[serde(default)]
    pub(crate) capabilities: u64,
    /// For how long it has been running.
    #[serde(default)]
    pub(crate) uptime: Duration,
    /// How many processes run on it.
    #[serde(default)]
    pub(crate) process_count: u64,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// A session, with its control stream.
    #[default]
    Session,
    /// One more lane of a session that is there.
    Lane {
        /// The session's number, from its verdict.
        session: u64,
    },
}

impl Hello {
    pub(super) fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("a hello is encoded into memory")
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HandshakeError> {
        let mut decoder = Deserializer::from_read_ref(bytes);
        decoder.set_max_depth(DEPTH_MAX);
        Self::deserialize(&mut decoder).map_err(|_details_are_noise| HandshakeError::BadMessage)
    }

    /// The highest version of the wire format that both ends speak.
    ///
    /// # Errors
    /// [`HandshakeError::Incompatible`] if there is none.
    pub(super) fn common_version(&self, peer: &Self) -> Result<u16, HandshakeError> {
        let (ours, theirs) = (self.versions, peer.versions);
        let (lowest, highest) = (ours.0.max(theirs.0), ours.1.min(theirs.1));
        if lowest > highest {
            return Err(HandshakeError::Incompatible { ours, theirs });
        }
        Ok(highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(versions: (u16, u16)) -> Hello {
        Hello {
            node: "a@h:1".parse().unwrap(),
            creation: Creation::from_bits(7),
            purpose: Purpose::Lane { session: 3 },
            versions,
            capabilities: 5,
            uptime: Duration::from_millis(1500),
            process_count: 7,
        }
    }

    #[test]
    fn a_hello_reads_as_it_was_written() {
        assert_eq!(Hello::decode(&hello((1, 2)).encode()), Ok(hello((1, 2))));
    }

    #[test]
    fn the_hello_of_a_later_version_is_understood() {
        #[derive(Serialize)]
        struct Later {
            added: Vec<u8>,
            node: NodeId,
            creation: Creation,
            versions: (u16, u16),
        }
        let (node, creation) = ("a@h:1".parse().unwrap(), Creation::from_bits(7));
        let later = Later {
            added: vec![1, 2],
            node,
            creation,
            versions: (1, 9),
        };
        let read = Hello::decode(&rmp_serde::to_vec_named(&later).unwrap()).unwrap();
        assert_eq!(read.versions, (1, 9));
        assert_eq!(
            (read.purpose, read.uptime),
            (Purpose::Session, Duration::ZERO)
        );
    }

    #[test]
    fn no_truncated_hello_is_taken() {
        let whole = hello((1, 1)).encode();
        for size in 0..whole.len() {
            assert_eq!(
                Hello::decode(&whole[..size]),
                Err(HandshakeError::BadMessage)
            );
        }
    }

    #[test]
    fn the_highest_common_version_is_chosen() {
        let common = |ours, theirs| hello(ours).common_version(&hello(theirs));
        assert_eq!(common((1, 3), (2, 5)), Ok(3));
        assert_eq!(common((1, 1), (1, 1)), Ok(1));
        let error = common((1, 1), (2, 3)).unwrap_err();
        assert_eq!(
            error,
            HandshakeError::Incompatible {
                ours: (1, 1),
                theirs: (2, 3)
            }
        );
        assert!(common((2, 2), (9, 0)).is_err());
    }
}
