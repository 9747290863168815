//! Pure: `Hello`, what two nodes tell each other about themselves, encrypted.

use std::time::Duration;

use noex_core::{Creation, NodeId};
use rmp_serde::Deserializer;
use serde::{Deserialize, Serialize};

use super::error::HandshakeError;
use super::speech::Speech;

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
    /// The first incarnation of this life.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) incarnation: u64,
    /// What the connection is for.
    #[serde(default)]
    pub(crate) purpose: Purpose,
    /// The lowest and the highest version of the wire format that it speaks.
    pub(crate) versions: (u16, u16),
    /// The lowest and the highest version of the handshake that it speaks.
    #[serde(default = "first_handshake")]
    pub(crate) handshakes: (u8, u8),
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Hello {
    pub(crate) fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("a hello is encoded into memory")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HandshakeError> {
        let mut decoder = Deserializer::from_read_ref(bytes);
        decoder.set_max_depth(DEPTH_MAX);
        Self::deserialize(&mut decoder).map_err(|_details_are_noise| HandshakeError::BadMessage)
    }

    /// The version of the wire format to speak with `peer`, after a handshake of this version.
    ///
    /// # Errors
    /// [`HandshakeError::Incompatible`] if there is none. [`HandshakeError::Downgraded`] if both
    /// could have done a later handshake: somebody on the way made them believe otherwise.
    pub(super) fn agree(&self, peer: &Self, handshake: u8) -> Result<u16, HandshakeError> {
        if Speech::common_handshake(self.handshakes, peer.handshakes)? != handshake {
            return Err(HandshakeError::Downgraded);
        }
        Speech::common_wire(self.versions, peer.versions)
    }
}

/// Whoever does not say which handshakes it speaks knows of one.
const fn first_handshake() -> (u8, u8) {
    (1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(versions: (u16, u16)) -> Hello {
        Hello {
            node: "a@h:1".parse().unwrap(),
            creation: Creation::from_bits(7),
            incarnation: 9,
            purpose: Purpose::Lane { session: 3 },
            versions,
            handshakes: (1, 1),
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
            (read.purpose, read.uptime, read.handshakes),
            (Purpose::Session, Duration::ZERO, (1, 1))
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
    fn a_handshake_of_an_earlier_version_than_both_speak_is_refused() {
        let speaking = |handshakes| Hello {
            handshakes,
            ..hello((1, 1))
        };
        let (one, two) = (speaking((1, 1)), speaking((1, 2)));
        assert_eq!(one.agree(&two, 1), Ok(1));
        assert_eq!(two.agree(&one, 1), Ok(1));
        assert_eq!(two.agree(&two, 2), Ok(1));
        assert_eq!(two.agree(&two, 1), Err(HandshakeError::Downgraded));
    }
}
