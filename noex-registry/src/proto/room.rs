//! Pure: how much of what a node holds goes into one message.

use super::entry::{Entry, Key};
use super::message::Change;

/// The most entries or changes that one message has: with the longest names they are 2 MiB.
pub(crate) const PART_SIZE: usize = 4_096;

/// The most bytes that an entry or a change has in a message beside its name or that of its group.
const OVERHEAD_MAX: usize = 200;

/// Half of the smallest limit for messages that can be configured.
const BYTES_DEFAULT: usize = 32 << 10;

/// What still fits in a message: half of the limit for messages, so that all that is around the
/// entries has room too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    /// The room in a message where none may have more than `message_size_max` bytes.
    pub(crate) const fn of(message_size_max: usize) -> Self {
        Self {
            entries: PART_SIZE,
            bytes: message_size_max / 2,
        }
    }

    /// Takes room for something with such a name. `false`: it does not fit. Whatever the limit is,
    /// one fits, so that a node's entries come to an end.
    pub(crate) fn takes(&mut self, name: &str) -> bool {
        let is_first = self.entries == PART_SIZE;
        let left = self.bytes.checked_sub(OVERHEAD_MAX + name.len());
        if self.entries == 0 || (left.is_none() && !is_first) {
            return false;
        }
        self.entries -= 1;
        self.bytes = left.unwrap_or(0);
        true
    }
}

/// Before the limit is known.
impl Default for Room {
    fn default() -> Self {
        Self {
            entries: PART_SIZE,
            bytes: BYTES_DEFAULT,
        }
    }
}

impl Entry {
    /// Its name, or that of its group.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Claim { name, .. } => name,
            Self::Member { group, .. } => group,
        }
    }
}

impl Change {
    /// The name, or that of the group, of what changed.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Held(entry) => entry.name(),
            Self::Released(Key::Name(name)) => name,
            Self::Released(Key::Member { group, .. }) => group,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use noex_core::{Creation, Pid};

    use super::*;
    use crate::proto::claim::{Claim, Clock};

    #[test]
    fn the_longest_entry_is_no_longer_than_is_thought() {
        let pid = Pid::new(Creation::from_bits(u64::MAX), u64::MAX);
        let wall = Duration::from_millis(u64::MAX);
        let claim = Claim::new(pid, Clock::default().tick(wall), Some(pid)).draining(true);
        let name: std::sync::Arc<str> = "n".repeat(255).into();
        let entry = Entry::Claim {
            name: name.clone(),
            claim,
        };
        let member = Entry::Member { group: name, pid };
        let changes = [
            Change::Released(member.key()),
            Change::Held(member),
            Change::Held(entry),
        ];
        for change in changes {
            let bytes = rmp_serde::to_vec_named(&change).unwrap();
            // The generation, and the counter of the stamp, can be four bytes longer.
            let size = bytes.len() + 4 + 4;
            assert!(size <= OVERHEAD_MAX + change.name().len(), "{size}");
        }
    }

    #[test]
    fn as_many_fit_as_the_limit_for_messages_allows() {
        let fitting = |limit| {
            let mut room = Room::of(limit);
            (0..).take_while(|_| room.takes("a")).count()
        };
        assert_eq!(fitting(0), 1);
        assert_eq!(fitting(64 << 10), (32 << 10) / 201);
        assert_eq!(fitting(16 << 20), PART_SIZE);
        assert_eq!(fitting(usize::MAX), PART_SIZE);
    }
}
