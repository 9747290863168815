//! Pure: what a machine makes of the messages of others, and how it fetches what it missed.

use std::collections::{BTreeMap, BTreeSet};

use noex_core::Creation;

use super::entry::{Entry, Key};
use super::event::{Now, Output};
use super::machine::Machine;
use super::message::{
    Change, Confirm, Delta, Fetch, Message, State, Summary, Unregister, Versions,
};
use super::origins::Part;
use super::versions::sum_of;

impl Machine {
    pub(super) fn handle_message(&mut self, from: Creation, message: Message, now: Now) {
        match message {
            Message::Delta(delta) => self.handle_delta(from, delta, now),
            Message::State(part) => self.handle_state(from, part, now),
            Message::Fetch(Fetch { origin, after }) => self.send_state(from, origin, after),
            Message::Summary(Summary { sum }) => {
                if sum != sum_of(self.versions()) {
                    let versions = self.versions().filter(|(_, version)| *version > 0);
                    let versions = versions.collect();
                    self.send_versions(from, versions, true);
                }
            }
            Message::Versions(versions) => self.handle_versions(from, versions, now),
            Message::Unregister(Unregister { name, pid }) => {
                let own = self.table.claim(&name, self.me);
                if own.is_some_and(|claim| claim.pid == pid) {
                    self.drop_own(&Key::Name(name));
                }
            }
            Message::Confirm(Confirm { version }) => {
                self.origins.asked_to_confirm(from, version);
                self.confirm(from);
            }
            Message::Confirmed(Confirm { version }) => self.confirmed(from, version),
        }
    }

    /// Tells the neighbours, but not the one who told us.
    pub(super) fn flood(&mut self, message: Message, teller: Option<Creation>) {
        let to = self.neighbours.others_than(teller);
        if !to.is_empty() {
            self.outputs.push_back(Output::Flood { to, message });
        }
    }

    /// An answer did not come: asks the owner and the neighbours, each in turn.
    pub(super) fn fetch_again(&mut self, origin: Creation, times: u32) {
        let neighbour = times.is_multiple_of(2).then(|| self.neighbours.take_turn());
        self.send_fetch(neighbour.flatten().unwrap_or(origin), origin, None);
    }

    pub(super) fn send_summary(&mut self, to: Creation) {
        let sum = sum_of(self.versions());
        let message = Message::Summary(Summary { sum });
        self.outputs.push_back(Output::Send { to, message });
    }

    pub(super) fn send_versions(
        &mut self,
        to: Creation,
        versions: Vec<(Creation, u64)>,
        is_all: bool,
    ) {
        let message = Message::Versions(Versions { versions, is_all });
        self.outputs.push_back(Output::Send { to, message });
    }

    fn send_fetch(&mut self, to: Creation, origin: Creation, after: Option<Key>) {
        let message = Message::Fetch(Fetch { origin, after });
        self.outputs.push_back(Output::Send { to, message });
    }

    /// The versions that are known here, this node's own among them.
    fn versions(&self) -> impl Iterator<Item = (Creation, u64)> {
        let own = (self.me, self.own.version());
        self.origins.versions().chain([own])
    }

    /// What is news is passed on before anything comes of it, whether it can be applied yet or
    /// not.
    fn handle_delta(&mut self, from: Creation, delta: Delta, now: Now) {
        if !self.origins.is_news(&delta) {
            return;
        }
        self.flood(Message::Delta(delta.clone()), Some(from));
        let origin = delta.origin;
        for delta in self.origins.take_delta(delta, now.at) {
            self.apply(delta, now);
        }
        self.confirm(origin);
    }

    fn handle_state(&mut self, from: Creation, part: State, now: Now) {
        let state = match self.origins.take_part(part, now.at) {
            Some(Part::Whole(state)) => state,
            Some(Part::More { origin, last }) => return self.send_fetch(from, origin, Some(last)),
            None => return,
        };
        let (origin, version) = (state.origin, state.version);
        let Some(behind) = self.origins.take_state(origin, version) else {
            return;
        };
        self.neighbours.learned(origin, version, from, now.at);
        self.replace(state, now);
        for delta in behind {
            self.apply(delta, now);
        }
        self.confirm(origin);
    }

    /// Fetches what the other node knows better. Tells it what it does not know, if it said all.
    fn handle_versions(&mut self, from: Creation, versions: Versions, now: Now) {
        let Versions { versions, is_all } = versions;
        for (origin, version) in &versions {
            let known = self.origins.version(*origin);
            if known.is_some_and(|known| known < *version) && !self.origins.is_awaited(*origin) {
                self.origins.asked(*origin, now.at);
                self.send_fetch(from, *origin, None);
            }
        }
        if is_all {
            let theirs: BTreeMap<Creation, u64> = versions.into_iter().collect();
            let is_news = |(origin, version): &(Creation, u64)| {
                *version > theirs.get(origin).copied().unwrap_or(0)
            };
            let news: Vec<(Creation, u64)> = self.versions().filter(is_news).collect();
            if !news.is_empty() {
                self.send_versions(from, news, false);
            }
        }
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

    /// Answers a fetch, as far as this node knows the entries that are asked for.
    fn send_state(&mut self, to: Creation, origin: Creation, after: Option<Key>) {
        let Some((_, version)) = self.versions().find(|(known, _)| *known == origin) else {
            return;
        };
        let mut room = self.room;
        let mut left = self.table.entries_of(origin, after.as_ref()).peekable();
        let entries = std::iter::from_fn(|| left.next_if(|entry| room.takes(entry.name())));
        let entries = entries.collect();
        let has_more = left.peek().is_some();
        drop(left);
        let message = Message::State(State {
            origin,
            version,
            after,
            entries,
            has_more,
        });
        self.outputs.push_back(Output::Send { to, message });
    }
}
