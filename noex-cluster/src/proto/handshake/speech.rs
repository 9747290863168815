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
}

impl Speech {
    /// What this code speaks.
    pub(crate) const CURRENT: Self = Self {
        handshakes: HANDSHAKES,
        wires: WIRES,
        capabilities: 0,
    };

    /// What the next version of this code would speak; `alone` if it has given up the current one.
    pub(crate) const fn next(alone: bool) -> Self {
        let (handshake, wire) = (HANDSHAKES.1 + 1, WIRES.1 + 1);
        Self {
            handshakes: (if alone { handshake } else { HANDSHAKES.0 }, handshake),
            wires: (if alone { wire } else { WIRES.0 }, wire),
            capabilities: u64::MAX,
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
        let (next, alone) = (Speech::next(false), Speech::next(true));
        assert_eq!(Speech::common_wire(wires, next.wires), Ok(wires.1));
        assert_eq!(
            Speech::common_handshake(handshakes, next.handshakes),
            Ok(handshakes.1)
        );
        assert!(Speech::common_wire(wires, alone.wires).is_err());
        assert!(Speech::common_handshake(handshakes, alone.handshakes).is_err());
    }
}
