//! Pure: `Speech`, the versions that a node speaks, and what it can do besides.

use std::cmp::{max, min};

use super::error::HandshakeError;

/// The lowest and the highest version of the handshake that this code speaks.
const HANDSHAKES: (u8, u8) = (1, 1);

/// The lowest and the highest version of the wire format that this code speaks.
const WIRES: (u16, u16) = (1, 1);

/// The versions that a node speaks, and what it can do besides. Each range is the lowest and the
/// highest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Speech {
    /// The versions of the handshake.
    pub(crate) handshakes: (u8, u8),
    /// The versions of the wire format.
    pub(crate) wires: (u16, u16),
    /// What it can do besides, one bit each. No bit has a meaning yet.
    pub(crate) capabilities: u64,
    /// The kind of a frame that it begins each connection with, which this code does not know.
    pub(crate) novelty: Option<u8>,
}

/// How a node speaks that is one version ahead. For tests of upgrades.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextVersion {
    /// It speaks this version too, and says new things that need not be understood.
    Compatible,
    /// It speaks this version too, and says something that must be understood.
    Demanding,
    /// It does not speak this version any more.
    Alone,
    /// It does not speak this version any more, but does the same handshake.
    AloneByWire,
}

impl Speech {
    /// What this code speaks.
    pub(crate) const CURRENT: Self = Self {
        handshakes: HANDSHAKES,
        wires: WIRES,
        capabilities: 0,
        novelty: None,
    };

    /// What the next version of this code would speak.
    pub(crate) const fn next(next: NextVersion) -> Self {
        let (handshake, wire) = (HANDSHAKES.1 + 1, WIRES.1 + 1);
        let (handshakes, wires, novelty) = match next {
            NextVersion::Compatible => ((HANDSHAKES.0, handshake), (WIRES.0, wire), u8::MAX),
            NextVersion::Demanding => ((HANDSHAKES.0, handshake), (WIRES.0, wire), 0x7f),
            NextVersion::Alone => ((handshake, handshake), (wire, wire), u8::MAX),
            NextVersion::AloneByWire => (HANDSHAKES, (wire, wire), u8::MAX),
        };
        Self {
            handshakes,
            wires,
            capabilities: u64::MAX,
            novelty: Some(novelty),
        }
    }

    /// The highest version of the handshake that both speak.
    ///
    /// # Errors
    /// [`HandshakeError::UnsupportedVersion`] if there is none.
    pub(crate) fn common_handshake(ours: (u8, u8), theirs: (u8, u8)) -> Result<u8, HandshakeError> {
        highest_common(ours, theirs).ok_or(HandshakeError::UnsupportedVersion { ours, theirs })
    }

    /// The highest version of the wire format that both speak.
    ///
    /// # Errors
    /// [`HandshakeError::Incompatible`] if there is none.
    pub(super) fn common_wire(ours: (u16, u16), theirs: (u16, u16)) -> Result<u16, HandshakeError> {
        highest_common(ours, theirs).ok_or(HandshakeError::Incompatible { ours, theirs })
    }
}

fn highest_common<V: Ord + Copy>(ours: (V, V), theirs: (V, V)) -> Option<V> {
    let (lowest, highest) = (max(ours.0, theirs.0), min(ours.1, theirs.1));
    (lowest <= highest).then_some(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_chosen() {
        assert_eq!(Speech::common_wire((1, 3), (2, 5)), Ok(3));
        assert_eq!(Speech::common_wire((1, 1), (1, 1)), Ok(1));
        assert_eq!(
            Speech::common_wire((1, 1), (2, 3)),
            Err(HandshakeError::Incompatible {
                ours: (1, 1),
                theirs: (2, 3)
            })
        );
        assert!(Speech::common_wire((2, 2), (9, 0)).is_err());
        assert_eq!(Speech::common_handshake((1, 2), (1, 1)), Ok(1));
        assert!(Speech::common_handshake((2, 2), (1, 1)).is_err());
    }

    #[test]
    fn the_next_version_speaks_this_one_too_unless_it_is_alone() {
        let Speech {
            handshakes, wires, ..
        } = Speech::CURRENT;
        for next in [NextVersion::Compatible, NextVersion::Demanding] {
            let next = Speech::next(next);
            assert_eq!(Speech::common_wire(wires, next.wires), Ok(wires.1));
            let common = Speech::common_handshake(handshakes, next.handshakes);
            assert_eq!(common, Ok(handshakes.1));
        }
        for (next, does_handshake) in [
            (NextVersion::Alone, false),
            (NextVersion::AloneByWire, true),
        ] {
            let alone = Speech::next(next);
            assert!(Speech::common_wire(wires, alone.wires).is_err());
            let common = Speech::common_handshake(handshakes, alone.handshakes);
            assert_eq!(common.is_ok(), does_handshake);
        }
    }
}
