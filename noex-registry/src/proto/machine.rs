//! Pure: who holds which name, and what other nodes must be told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, Pid};

use super::claim::{Claim, Clock, is_name};
use super::event::{Input, Now, Output};
use super::message::{Change, Delta, Digest, Fetch, Message, State, Unregister};
use super::origins::{Origins, Part};
use super::table::Table;

/// How often versions are compared with a neighbour.
const DIGEST_INTERVAL: Duration = Duration::from_secs(5);

/// How many claims one message has: with the longest names they are 2 MiB, so that neither the
/// limit for messages nor that of a mailbox stands in the way of a node with many names.
pub(super) const PART_SIZE: usize = 4_096;

/// Who holds which name, as this node sees it.
#[derive(Debug)]
pub(crate) struct Machine {
    me: Creation,
    clock: Clock,
    /// Counts the deltas of this node.
    version: u64,
    table: Table,
    /// The names of each process of this node that has any.
    held: BTreeMap<Pid, BTreeSet<Arc<str>>>,
    /// What goes into the next delta.
    changes: Vec<Change>,
    origins: Origins,
    digest_at: Instant,
    outputs: VecDeque<Output>,
}

impl Machine {
    pub(crate) fn new(me: Creation, now: Now) -> Self {
        Self {
            me,
            clock: Clock::default(),
            version: 0,
            table: Table::default(),
            held: BTreeMap::new(),
            changes: Vec::new(),
            origins: Origins::default(),
            digest_at: now.at + DIGEST_INTERVAL,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn handle_input(&mut self, input: Input, now: Now) {
        match input {
            Input::Register {
                name,
                pid,
                replaces,
            } => self.register(&name, pid, replaces, now),
            Input::Unregister { name } => self.unregister(name),
            Input::ProcessEnded { pid } => {
                for name in self.held.get(&pid).cloned().unwrap_or_default() {
                    self.release(&name);
                    self.settle(&name);
                }
            }
            Input::NodeUp { node } => self.node_up(node, now),
            Input::NodeDown { node } => self.node_down(node),
            Input::Message(message) => self.handle_message(message, now),
        }
        self.flush();
    }

    pub(crate) fn handle_timeout(&mut self, now: Now) {
        for origin in self.origins.take_due(now.at) {
            self.send_fetch(origin, None);
        }
        if now.at >= self.digest_at {
            self.digest_at = now.at + DIGEST_INTERVAL;
            let digest = self.digest(false);
            self.outputs.push_back(Output::SendNeighbour(digest));
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let fetch_at = self.origins.deadline();
        Some(fetch_at.map_or(self.digest_at, |at| at.min(self.digest_at)))
    }

    /// The process that holds a name.
    pub(crate) fn holder(&self, name: &str) -> Option<Pid> {
        self.table.winner(name).map(|claim| claim.pid)
    }

    /// The processes of this node that have names.
    pub(crate) fn held(&self) -> impl Iterator<Item = Pid> {
        self.held.keys().copied()
    }

    /// The other nodes whose claims count.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Creation> {
        self.origins.versions().map(|(node, _)| node)
    }

    fn register(&mut self, name: &Arc<str>, pid: Pid, replaces: Option<Pid>, now: Now) {
        let holder = self.table.winner(name).copied();
        let claim = match holder {
            Some(holder) if holder.pid == pid => return,
            Some(holder) if Some(holder.pid) == replaces => holder.handed_to(pid),
            Some(Claim { pid: holder, .. }) => {
                self.outputs.push_back(Output::Refused { holder });
                return;
            }
            None => Claim::new(pid, self.clock.tick(now.wall), replaces),
        };
        if let Some(former) = self.release(name) {
            self.outputs.push_back(Output::Evict { pid: former.pid });
        }
        self.hold(name, claim);
        self.settle(name);
    }

    fn unregister(&mut self, name: Arc<str>) {
        match self.holder(&name) {
            Some(pid) if pid.creation() == self.me => {
                self.release(&name);
                self.settle(&name);
            }
            Some(pid) => {
                let message = Message::Unregister(Unregister { name, pid });
                let to = pid.creation();
                self.outputs.push_back(Output::Send { to, message });
            }
            None => {}
        }
    }

    fn node_up(&mut self, node: Creation, now: Now) {
        if node == self.me {
            return;
        }
        self.origins.up(node);
        self.fetch(node, now);
    }

    fn node_down(&mut self, node: Creation) {
        if node == self.me {
            return;
        }
        self.origins.down(node);
        for name in self.table.names_of(node) {
            self.table.remove(&name, node);
            self.settle(&name);
        }
    }

    fn handle_message(&mut self, message: Message, now: Now) {
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
                    self.release(&name);
                    self.settle(&name);
                }
            }
        }
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
            } else if *version < self.version {
                self.send_state(from, None);
            }
        }
        if is_ahead && !digest.is_answer {
            let message = self.digest(true);
            self.outputs.push_back(Output::Send { to: from, message });
        }
    }

    /// Somebody knows `version` of the claims of `origin`. Fetches them if we know less; tells
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

    /// Applies what changed in the claims of another node.
    fn apply(&mut self, delta: Delta, now: Now) {
        let mut drifted = false;
        for change in delta.changes {
            match change {
                Change::Claimed { name, claim } => {
                    drifted |= self.enter(delta.origin, &name, claim, now);
                }
                Change::Released { name } => {
                    self.table.remove(&name, delta.origin);
                    self.settle(&name);
                }
            }
        }
        self.report(drifted, delta.origin);
    }

    /// Puts all claims of another node in the place of those that we know.
    fn replace(&mut self, state: State, now: Now) {
        let State { origin, claims, .. } = state;
        let stay: BTreeSet<&Arc<str>> = claims.iter().map(|(name, _)| name).collect();
        let mut gone = self.table.names_of(origin);
        gone.retain(|name| !stay.contains(name));
        for name in gone {
            self.table.remove(&name, origin);
            self.settle(&name);
        }
        let mut drifted = false;
        for (name, claim) in claims {
            drifted |= self.enter(origin, &name, claim, now);
        }
        self.report(drifted, origin);
    }

    /// Enters a claim of another node. It counts whatever its age says, since all nodes must hold
    /// the same claims; returns whether its clock is too far ahead for ours to follow.
    fn enter(&mut self, origin: Creation, name: &Arc<str>, claim: Claim, now: Now) -> bool {
        if claim.origin() != origin || origin == self.me || !is_name(name) {
            return false;
        }
        if self.table.insert(name, claim) {
            self.settle(name);
        }
        self.clock.witness(claim.since(), now.wall).is_err()
    }

    fn report(&mut self, drifted: bool, node: Creation) {
        if drifted {
            self.outputs.push_back(Output::Drifted { node });
        }
    }

    /// The claims to a name changed: drops ours if it lost, and publishes the holder.
    fn settle(&mut self, name: &Arc<str>) {
        let own = self.table.claim(name, self.me).map(|claim| claim.pid);
        if let Some(pid) = own.filter(|own| self.holder(name) != Some(*own)) {
            self.release(name);
            self.outputs.push_back(Output::Evict { pid });
        }
        self.outputs.push_back(Output::Publish {
            name: Arc::clone(name),
            holder: self.holder(name),
        });
    }

    fn hold(&mut self, name: &Arc<str>, claim: Claim) {
        self.table.insert(name, claim);
        let pid = claim.pid;
        let names = self.held.entry(pid).or_default();
        if names.is_empty() {
            self.outputs.push_back(Output::Watch { pid });
        }
        names.insert(Arc::clone(name));
        let name = Arc::clone(name);
        self.changes.push(Change::Claimed { name, claim });
    }

    fn release(&mut self, name: &Arc<str>) -> Option<Claim> {
        let claim = self.table.remove(name, self.me)?;
        let pid = claim.pid;
        if let Some(names) = self.held.get_mut(&pid) {
            names.remove(name);
            if names.is_empty() {
                self.held.remove(&pid);
                self.outputs.push_back(Output::Unwatch { pid });
            }
        }
        let name = Arc::clone(name);
        self.changes.push(Change::Released { name });
        Some(claim)
    }

    /// Floods what changed in the claims of this node, as one delta.
    fn flush(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        let before = self.version;
        self.version += 1;
        let delta = Delta {
            origin: self.me,
            before,
            after: self.version,
            changes: std::mem::take(&mut self.changes),
        };
        self.outputs.push_back(Output::Flood(Message::Delta(delta)));
    }

    fn fetch(&mut self, origin: Creation, now: Now) {
        self.origins.asked(origin, now.at);
        self.send_fetch(origin, None);
    }

    fn send_fetch(&mut self, to: Creation, after: Option<Arc<str>>) {
        let message = Message::Fetch(Fetch {
            from: self.me,
            version: self.version,
            after,
        });
        self.outputs.push_back(Output::Send { to, message });
    }

    fn send_state(&mut self, to: Creation, after: Option<Arc<str>>) {
        let mut left = self.table.claims_of(self.me, after.as_ref());
        let claims = left.by_ref().take(PART_SIZE).collect();
        let has_more = left.next().is_some();
        drop(left);
        let message = Message::State(State {
            origin: self.me,
            version: self.version,
            after,
            claims,
            has_more,
        });
        self.outputs.push_back(Output::Send { to, message });
    }

    fn digest(&self, is_answer: bool) -> Message {
        let own = (self.me, self.version);
        Message::Digest(Digest {
            from: self.me,
            versions: self.origins.versions().chain([own]).collect(),
            is_answer,
        })
    }
}
