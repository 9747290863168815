//! Pure: `FirstMessages`, those that came of late, so that none is answered twice.

use std::collections::{BTreeSet, VecDeque};

/// The most first messages that are remembered. Members dial seldom; a node that was dialled as
/// often as this has forgotten the oldest, and would answer it once more, which proves nothing.
const REMEMBERED_MAX: usize = 4_096;

/// The bytes by which a first message is known: the beginning of its one-time key, which is random.
const MARK_SIZE: usize = 16;

/// First messages that came of late. What is answered costs four multiplications on the curve,
/// beside the one for each secret that it was tried with; without the secret nobody can make a
/// message that is, but everybody can repeat a recorded one.
#[derive(Debug, Default)]
pub(crate) struct FirstMessages {
    marks: BTreeSet<[u8; MARK_SIZE]>,
    in_order: VecDeque<[u8; MARK_SIZE]>,
}

impl FirstMessages {
    /// Whether this one came before.
    pub(crate) fn has(&self, message: &[u8]) -> bool {
        mark_of(message).is_some_and(|mark| self.marks.contains(&mark))
    }

    /// This one came, made by somebody who knows the secret.
    pub(crate) fn remember(&mut self, message: &[u8]) {
        let Some(mark) = mark_of(message) else { return };
        if !self.marks.insert(mark) {
            return;
        }
        self.in_order.push_back(mark);
        if self.in_order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.marks.remove(&oldest);
        }
    }
}

fn mark_of(message: &[u8]) -> Option<[u8; MARK_SIZE]> {
    message.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_its_beginning_until_many_others_came() {
        let message = |number: u32| [&number.to_be_bytes()[..], &[7; 60]].concat();
        let mut first = FirstMessages::default();
        assert!(!first.has(&message(0)));
        for number in 0..u32::try_from(REMEMBERED_MAX).unwrap() {
            first.remember(&message(number));
            first.remember(&message(number));
        }
        assert!(first.has(&message(0)));
        first.remember(&message(u32::MAX));
        assert!(!first.has(&message(0)) && first.has(&message(1)) && first.has(&message(u32::MAX)));
        assert_eq!(
            (first.marks.len(), first.in_order.len()),
            (REMEMBERED_MAX, REMEMBERED_MAX)
        );
    }

    #[test]
    fn what_is_no_message_is_not_remembered() {
        let mut first = FirstMessages::default();
        first.remember(b"short");
        assert!(!first.has(b"short"));
    }
}
