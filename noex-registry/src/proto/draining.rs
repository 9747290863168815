//! Pure: how a node that stops lets go of what its processes hold, and learns that others know.

use std::collections::BTreeSet;

use noex_core::Creation;

use super::entry::{Entry, Key};
use super::event::Output;
use super::machine::Machine;
use super::message::{Confirm, Message};

/// Whether this node is stopping, and who has yet to confirm that it knows.
#[derive(Debug, Default)]
pub(crate) struct Draining {
    is_begun: bool,
    unconfirmed: BTreeSet<Creation>,
}

impl Draining {
    pub(crate) const fn is_begun(&self) -> bool {
        self.is_begun
    }
}

impl Machine {
    /// Marks the names of this node's processes as free for others, and takes their places in
    /// groups away. Asks the nodes `asked`, which may be sending calls, to confirm it.
    pub(super) fn drain(&mut self, asked: BTreeSet<Creation>) {
        self.draining.is_begun = true;
        let pids = self.own.pids().collect::<Vec<_>>().into_iter();
        for key in pids
            .flat_map(|pid| self.own.keys_of(pid))
            .collect::<Vec<_>>()
        {
            self.give_up(&key);
        }
        while let Some(delta) = self.own.poll_delta(self.room) {
            let neighbours = self.neighbours.others_than(None).into_iter();
            let to: BTreeSet<_> = neighbours.chain(asked.iter().copied()).collect();
            self.outputs.push_back(Output::Flood {
                to: to.into_iter().collect(),
                message: Message::Delta(delta),
            });
        }
        let version = self.own.version();
        for to in &asked {
            // Behind the delta, on the same way.
            self.outputs.push_back(Output::Send {
                to: *to,
                message: Message::Confirm(Confirm { version }),
            });
        }
        self.draining.unconfirmed = asked;
        self.tell_drained();
    }

    fn give_up(&mut self, key: &Key) {
        let Key::Name(name) = key else {
            return self.drop_own(key);
        };
        if let Some(claim) = self.table.claim(name, self.me) {
            let (name, claim) = (name.clone(), claim.draining(true));
            self.hold(Entry::Claim { name, claim });
        }
    }

    /// The node `of` knows the entries of this one in this version.
    pub(super) fn confirmed(&mut self, of: Creation, version: u64) {
        if version >= self.own.version() {
            self.need_no_confirmation(of);
        }
    }

    /// The node `of` has confirmed, or can't any more.
    pub(super) fn need_no_confirmation(&mut self, of: Creation) {
        if self.draining.unconfirmed.remove(&of) {
            self.tell_drained();
        }
    }

    /// Answers who wanted to know when its entries are known here in some version, if they are.
    pub(super) fn confirm(&mut self, origin: Creation) {
        if let Some(version) = self.origins.take_confirmed(origin) {
            let message = Message::Confirmed(Confirm { version });
            self.outputs.push_back(Output::Send {
                to: origin,
                message,
            });
        }
    }

    fn tell_drained(&mut self) {
        if self.draining.unconfirmed.is_empty() {
            self.outputs.push_back(Output::Drained);
        }
    }
}
