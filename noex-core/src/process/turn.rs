//! Pure: how long a process may handle messages before it lets others run.

use std::time::Duration;

/// How long a turn is, in microseconds.
const TURN: u32 = 200;

/// The most messages between two looks at the clock.
const STRIDE_MAX: u8 = 64;

/// The messages of a turn before one of which the clock is looked at first: at once where they are
/// slow, late where they are quick.
const FIRST_LOOK: std::ops::RangeInclusive<u8> = 2..=32;

/// A stride that takes no longer, in microseconds, is doubled; one that takes four times as long
/// becomes one message.
const STRIDE_TIME: u32 = 20;

/// One turn of a process. Looking at the clock costs more than many a message, so it is looked at
/// now and then: not at all for the first message of a turn, which is most often the last; then
/// seldom while messages are quick, after each one while they are slow.
///
/// Each process has one: it is small. Times are microseconds, of which only the lower bits count.
#[derive(Debug)]
pub(super) struct Turn {
    /// When it began; 0 until the clock is looked at.
    began: u32,
    /// How far it was when the clock was looked at last.
    looked: u16,
    stride: u8,
    until_look: u8,
}

impl Turn {
    pub(super) const fn new() -> Self {
        Self {
            began: 0,
            looked: 0,
            stride: 1,
            until_look: *FIRST_LOOK.start(),
        }
    }

    /// The process lets others run, or waits.
    pub(super) fn end(&mut self) {
        self.began = 0;
        self.until_look = self.stride.clamp(*FIRST_LOOK.start(), *FIRST_LOOK.end());
    }

    /// One more message is to be handled. Whether it is time to [look](Self::look) at the clock.
    pub(super) const fn wants_look(&mut self) -> bool {
        self.until_look = self.until_look.saturating_sub(1);
        self.until_look == 0
    }

    /// Whether the turn is over at `now`, on a clock of any beginning.
    pub(super) fn look(&mut self, now: Duration) -> bool {
        let now = now.as_micros() as u32;
        if self.began == 0 {
            (self.began, self.looked, self.until_look) = (now.max(1), 0, self.stride);
            return false;
        }
        let since = now.wrapping_sub(self.began);
        let took = since.saturating_sub(self.looked.into());
        if took <= STRIDE_TIME {
            self.stride = STRIDE_MAX.min(self.stride.saturating_mul(2));
        } else if took >= STRIDE_TIME * 4 {
            self.stride = 1;
        }
        self.looked = u16::try_from(since).unwrap_or(u16::MAX);
        self.until_look = self.stride;
        let over = since >= TURN;
        if over {
            self.end();
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `messages`, each of which takes `each`, are handled before the turn is over.
    fn handled(messages: u32, each: Duration) -> u32 {
        let begin = Duration::from_secs(1);
        let mut turn = Turn::new();
        (0..messages)
            .find(|count| turn.wants_look() && turn.look(begin + each * *count))
            .unwrap_or(messages)
    }

    #[test]
    fn a_turn_of_slow_messages_ends_after_the_second() {
        assert_eq!(handled(10, Duration::from_millis(1)), 2);
    }

    #[test]
    fn a_turn_of_one_message_needs_no_clock() {
        let mut turn = Turn::new();
        for _ in 0..10 {
            assert!(!turn.wants_look());
            turn.end();
        }
    }

    #[test]
    fn a_turn_of_quick_messages_ends_soon_after_its_time() {
        let count = handled(100_000, Duration::from_nanos(100));
        assert!(
            (2_000..2_000 + u32::from(STRIDE_MAX)).contains(&count),
            "{count}"
        );
    }

    #[test]
    fn messages_that_become_slow_are_looked_after_one_by_one() {
        let begin = Duration::from_secs(1);
        let mut turn = Turn::new();
        turn.stride = STRIDE_MAX;
        assert!((0..*FIRST_LOOK.start()).any(|_| turn.wants_look()));
        assert!(!turn.look(begin));
        let slow = Duration::from_millis(1);
        let first = (1_u8..).find(|_| turn.wants_look()).unwrap();
        assert_eq!(first, STRIDE_MAX);
        assert!(turn.look(begin + slow * first.into()));
        assert_eq!(turn.stride, 1);
    }
}
