//! `Overflow`: what happens to a message that finds no room.

/// What happens to a message of this node that finds a mailbox full. What came from another node
/// is refused in any case.
///
/// # Examples
/// A process that wants the last reading of a sensor and none of those before it:
/// ```
/// use std::num::NonZeroUsize;
///
/// use noex_core::mailbox::{Mailbox, Overflow};
///
/// let readings = Mailbox::new(NonZeroUsize::MIN, Overflow::DropOldest);
/// readings.push(19.5).unwrap();
/// readings.push(19.6).unwrap();
/// assert_eq!((readings.len(), readings.dropped()), (1, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// Its sender gets it back; a call waits for room until its deadline.
    #[default]
    Refuse,
    /// The oldest message that waits is dropped for it. The caller of a call that is dropped
    /// learns that the mailbox was full.
    DropOldest,
    /// It is dropped. Its sender is told nothing, unless it is a call, which fails as above.
    DropNewest,
}
