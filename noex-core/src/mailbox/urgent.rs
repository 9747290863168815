//! What goes ahead of a mailbox's queue, and the rest of what few mailboxes have.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::{Incoming, Info, Mailbox};
use crate::call::{ReplyTo, SkippedCalls, Unwanted};
use crate::exit::ExitReason;

/// The process is to end.
pub(crate) const EXIT: u8 = 1;

/// The process is to handle no message until it is resumed.
pub(crate) const SUSPENDED: u8 = 2;

/// Somebody wants to see the process's state.
pub(crate) const DESCRIBE: u8 = 4;

/// Each message that the process takes is to be seen.
const TRACED: u8 = 8;

#[derive(Debug, Default)]
pub(super) struct Urgent {
    /// An untrapped exit.
    pub(super) exit: Option<ExitReason>,
    /// Who wants to see the state.
    describe: VecDeque<ReplyTo<Option<String>>>,
    /// Senders that wait for room.
    senders: VecDeque<Waker>,
    /// How many messages were dropped for want of room.
    pub(super) dropped: u64,
    /// How many calls were not handled.
    skipped: SkippedCalls,
}

impl Urgent {
    pub(super) fn wait_for_room(&mut self, sender: &Waker) {
        if !self.senders.iter().any(|waker| waker.will_wake(sender)) {
            self.senders.push_back(sender.clone());
        }
    }

    /// What is still asked of it when its process has ended, if that is anything.
    pub(super) fn counters(&self) -> Option<Box<Self>> {
        let counters = Self {
            dropped: self.dropped,
            skipped: self.skipped,
            ..Self::default()
        };
        (!counters.is_spent()).then(|| Box::new(counters))
    }

    /// Whether there is nothing in it.
    pub(super) fn is_spent(&self) -> bool {
        let counted = self.dropped > 0 || self.skipped != SkippedCalls::default();
        let waiting = self.exit.is_some() || !self.describe.is_empty() || !self.senders.is_empty();
        !counted && !waiting
    }

    pub(super) fn is_room_wanted(&self) -> bool {
        !self.senders.is_empty()
    }

    /// The first `room` of the senders that wait.
    pub(super) fn take_senders(&mut self, room: usize) -> Vec<Waker> {
        let count = room.min(self.senders.len());
        self.senders.drain(..count).collect()
    }
}

impl<M> Mailbox<M> {
    pub(crate) fn take_exit(&self) -> Option<ExitReason> {
        if self.urgent() & EXIT == 0 {
            return None;
        }
        self.look_ahead(|urgent, _| urgent.exit.take())
    }

    /// Asks for the process's state. Whether the process lives.
    pub(crate) fn describe(&self, reply: ReplyTo<Option<String>>) -> bool {
        self.put_ahead(DESCRIBE, |urgent| urgent.describe.push_back(reply))
    }

    /// The process handles no message until it is resumed. Whether it lives.
    pub(crate) fn suspend(&self) -> bool {
        self.flag_ahead(|flags| {
            flags.fetch_or(SUSPENDED, Ordering::Release);
        })
    }

    /// The process handles messages again. Whether it lives.
    pub(crate) fn resume(&self) -> bool {
        self.flag_ahead(|flags| {
            flags.fetch_and(!SUSPENDED, Ordering::AcqRel);
        })
    }

    /// Each message that the process takes is to be seen, or not any more. Whether it lives.
    pub(crate) fn trace(&self, on: bool) -> bool {
        self.flag_ahead(|flags| {
            if on {
                flags.fetch_or(TRACED, Ordering::Release);
            } else {
                flags.fetch_and(!TRACED, Ordering::AcqRel);
            }
        })
    }

    pub(crate) fn is_exiting(&self) -> bool {
        self.urgent() & EXIT != 0
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.urgent() & SUSPENDED != 0
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.urgent() & TRACED != 0
    }

    /// The process took a call that it does not handle.
    pub(crate) fn count_skipped(&self, why: Unwanted) {
        self.look_ahead(|urgent, _| urgent.skipped.count(why));
    }

    pub(crate) fn skipped_calls(&self) -> SkippedCalls {
        self.look_aside(|urgent| urgent.skipped)
    }

    /// What the handler is to do ahead of its queue.
    pub(crate) fn take_description(&self) -> Option<Incoming<M>> {
        let wanted = self.look_ahead(|urgent, flags| {
            let wanted = urgent.describe.pop_front();
            if urgent.describe.is_empty() {
                flags.fetch_and(!DESCRIBE, Ordering::AcqRel);
            }
            wanted
        })?;
        Some(Incoming::Info(Box::new(Info::Describe(wanted))))
    }
}
