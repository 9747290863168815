//! Pure: what a machine makes of the messages of others, and how it fetches what it missed.

use std::collections::BTreeSet;

use noex_core::Creation;

use super::entry::{Entry, Key};
use super::event::{Now, Output};
use super::machine::Machine;
use super::message::{Change, Delta, Digest, Fetch, Message, State, Unregister};
use super::origins::Part;

/// How many entries one message has: with the longest names they are 2 MiB, so that neither the
/// limit for messages nor that of a mailbox stands in the way of a node with many.
pub(super) const PART_SIZE: usize = 4_096;

impl Machine {
    pub(super) fn handle_message(&mut self, message: Message, now: Now) {
        match message {
            Message::Delta(delta) => {
                for delta in self.origins.take_delta(delta, now.at) {
                    self.apply(delta, now);
                }
            }
            Message::State(part) => self.handle_state(part, now),
            Message::Fetch(Fetch {
                from,
                version,
                after,
            }) => {
                self.send_state(from, after);
                self.compare(from, version, now);
            }
            Message::Digest(digest) => self.handle_digest(&digest, now),
            Message::Unregister(Unregister { name, pid }) => {
                let own = self.table.claim(&name, self.me);
                if own.is_some_and(|claim| claim.pid == pid) {
                    self.drop_own(&Key::Name(name));
                }
            }
        }
    }

    pub(super) fn fetch(&mut self, origin: Creation, now: Now) {
        self.origins.asked(origin, now.at);
        self.send_fetch(origin, None);
    }

    pub(super) fn send_fetch(&mut self, to: Creation, after: Option<Key>) {
        let message = Message::Fetch(Fetch {
            from: self.me,
            version: self.own.version(),
            after,
        });
        self.outputs.push_back(Output::Send { to, message });
    }

    pub(super) fn digest(&self, is_answer: bool) -> Message {
        let own = (self.me, self.own.version());
        Message::Digest(Digest {
            from: self.me,
            versions: self.origins.versions().chain([own]).collect(),
            is_answer,
        })
    }

    fn handle_state(&mut self, part: State, now: Now) {
        let state = match self.origins.take_part(part, now.at) {
            Some(Part::Whole(state)) => state,
            Some(Part::More { origin, last }) => return self.send_fetch(origin, Some(last)),
            None => return,
        };
        let Some(behind) = self.origins.take_state(state.origin, state.version) else {
            return;
        };
        self.replace(state, now);
        for delta in behind {
            self.apply(delta, now);
        }
    }

    fn handle_digest(&mut self, digest: &Digest, now: Now) {
        let from = digest.from;
        let mut is_ahead = false;
        for (origin, version) in &digest.versions {
            if *origin != self.me {
                is_ahead |= self.compare(*origin, *version, now);
            } else if *version < self.own.version() {
                self.send_state(from, None);
            }
        }
        if is_ahead && !digest.is_answer {
            let message = self.digest(true);
            self.outputs.push_back(Output::Send { to: from, message });
        }
    }

    /// Somebody knows `version` of the entries of `origin`. Fetches them if we know less; tells
    /// whether we know more.
    fn compare(&mut self, origin: Creation, version: u64, now: Now) -> bool {
        let Some(known) = self.origins.version(origin) else {
            return false;
        };
        if known < version && !self.origins.is_awaited(origin) {
            self.fetch(origin, now);
        }
        known > version
    }

    /// Applies what changed in the entries of another node.
    fn apply(&mut self, delta: Delta, now: Now) {
        let mut drifted = false;
        for change in delta.changes {
            match change {
                Change::Held(entry) => drifted |= self.enter(delta.origin, &entry, now),
                Change::Released(key) => self.remove(&key, delta.origin),
            }
        }
        self.report(drifted, delta.origin);
    }

    /// Puts all entries of another node in the place of those that we know.
    fn replace(&mut self, state: State, now: Now) {
        let State {
            origin, entries, ..
        } = state;
        let stay: BTreeSet<Key> = entries.iter().map(Entry::key).collect();
        let mut gone = self.table.keys_of(origin);
        gone.retain(|key| !stay.contains(key));
        for key in gone {
            self.remove(&key, origin);
        }
        let mut drifted = false;
        for entry in entries {
            drifted |= self.enter(origin, &entry, now);
        }
        self.report(drifted, origin);
    }

    /// Enters an entry of another node. A claim counts whatever its age says, since all nodes must
    /// hold the same claims; returns whether its clock is too far ahead for ours to follow.
    fn enter(&mut self, origin: Creation, entry: &Entry, now: Now) -> bool {
        if entry.origin() != origin || origin == self.me || !entry.is_named_well() {
            return false;
        }
        if self.table.insert(entry) {
            self.settle(&entry.key());
        }
        match entry {
            Entry::Claim { claim, .. } => self.clock.witness(claim.since(), now.wall).is_err(),
            Entry::Member { .. } => false,
        }
    }

    fn report(&mut self, drifted: bool, node: Creation) {
        if drifted {
            self.outputs.push_back(Output::Drifted { node });
        }
    }

    fn send_state(&mut self, to: Creation, after: Option<Key>) {
        let mut left = self.table.entries_of(self.me, after.as_ref());
        let entries = left.by_ref().take(PART_SIZE).collect();
        let has_more = left.next().is_some();
        drop(left);
        let message = Message::State(State {
            origin: self.me,
            version: self.own.version(),
            after,
            entries,
            has_more,
        });
        self.outputs.push_back(Output::Send { to, message });
    }
}
