//! Pure: who holds which name, who is in which group, and what other nodes must be told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, Pid};

use super::claim::{Claim, Clock};
use super::draining::Draining;
use super::entry::{Entry, Key};
use super::event::{Input, Now, Output};
use super::group_event::GroupEvent;
use super::message::{Message, Unregister};
use super::neighbours::Neighbours;
use super::origins::Origins;
use super::own::Own;
use super::room::Room;
use super::table::Table;
use super::vacancies::Vacancies;
use super::watchers::Watchers;

/// How often versions are compared with a neighbour.
const COMPARE_INTERVAL: Duration = Duration::from_secs(5);

/// How soon they are when a node came up, of which a neighbour may know more; what other nodes
/// come meanwhile is covered by the same comparison.
const COMPARE_DELAY: Duration = Duration::from_millis(100);

/// Who holds which name and who is in which group, as this node sees it.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(super) me: Creation,
    pub(super) clock: Clock,
    pub(super) table: Table,
    pub(super) own: Own,
    pub(super) origins: Origins,
    watchers: Watchers,
    vacancies: Vacancies,
    pub(super) draining: Draining,
    pub(super) neighbours: Neighbours,
    /// In each message.
    pub(super) room: Room,
    compare_at: Instant,
    pub(super) outputs: VecDeque<Output>,
}

impl Machine {
    pub(crate) fn new(me: Creation, now: Now) -> Self {
        Self {
            me,
            clock: Clock::default(),
            table: Table::default(),
            own: Own::new(me),
            origins: Origins::default(),
            watchers: Watchers::default(),
            vacancies: Vacancies::default(),
            draining: Draining::default(),
            neighbours: Neighbours::default(),
            room: Room::default(),
            compare_at: now.at + COMPARE_INTERVAL,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn handle_input(&mut self, input: Input, now: Now) {
        match input {
            Input::Register {
                name,
                pid,
                replaces,
            } => self.register(name, pid, replaces, now),
            Input::Unregister { name } => self.unregister(name),
            Input::Join { group, pid } => self.join(group, pid),
            Input::Leave { group, pid } => self.leave(group, pid),
            Input::Drain { asked } => self.drain(asked),
            Input::Withdraw => {
                for pid in self.own.pids().collect::<Vec<_>>() {
                    self.release_all(pid);
                }
            }
            Input::WatchGroup { group, watcher } => {
                self.watch(watcher);
                self.watchers.add(&group, watcher);
            }
            Input::UnwatchGroup { group, watcher } => {
                let is_watching = self.watchers.is_watching(watcher);
                self.watchers.remove(&group, watcher);
                if is_watching {
                    self.unwatch(watcher);
                }
            }
            Input::ProcessEnded { pid } => self.process_ended(pid),
            Input::NodeUp { node } => self.node_up(node, now),
            Input::NodeDown { node } => self.node_down(node),
            Input::Neighbours {
                nodes,
                message_size_max,
            } => {
                self.room = Room::of(message_size_max);
                for added in self.neighbours.replace(nodes) {
                    self.send_summary(added);
                }
            }
            Input::Reconnected { node } if self.neighbours.contains(node) => {
                self.send_summary(node);
            }
            Input::Reconnected { .. } => {}
            Input::Message { from, message } => self.handle_message(from, message, now),
        }
        self.vacancies.begin(now.at);
        // What changed in the entries of this node.
        while let Some(delta) = self.own.poll_delta(self.room) {
            self.flood(Message::Delta(delta), None);
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Now) {
        for (origin, times) in self.origins.take_due(now.at) {
            self.fetch_again(origin, times);
        }
        for (to, versions) in self.neighbours.take_news(now.at) {
            self.send_versions(to, versions, false);
        }
        for name in self.vacancies.take_due(now.at) {
            self.set_awaited(&name, false);
        }
        if now.at >= self.compare_at {
            self.compare_at = now.at + COMPARE_INTERVAL;
            if let Some(neighbour) = self.neighbours.take_turn() {
                self.send_summary(neighbour);
            }
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let others = [
            self.origins.deadline(),
            self.neighbours.deadline(),
            self.vacancies.deadline(),
        ];
        others.into_iter().flatten().chain([self.compare_at]).min()
    }

    /// The process that holds a name, or held it until its node began to stop.
    pub(crate) fn holder(&self, name: &str) -> Option<Pid> {
        self.table.winner(name).map(|claim| claim.pid)
    }

    /// The processes of this node whose end must be reported; one may come twice.
    pub(crate) fn watched(&self) -> impl Iterator<Item = Pid> {
        self.own.pids().chain(self.watchers.pids())
    }

    /// The other nodes whose entries count.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Creation> {
        self.origins.versions().map(|(node, _)| node)
    }

    fn register(&mut self, name: Arc<str>, pid: Pid, replaces: Option<Pid>, now: Now) {
        let holder = self.table.winner(&name).copied();
        let claim = match holder {
            Some(holder) if holder.pid == pid => return,
            Some(holder) if Some(holder.pid) == replaces => holder.handed_to(pid),
            Some(holder) if !self.is_left_to_others(&holder) => {
                let holder = holder.pid;
                self.outputs.push_back(Output::Refused { holder });
                return;
            }
            Some(_) | None => Claim::new(pid, self.clock.tick(now.wall), replaces),
        };
        let claim = claim.draining(self.draining.is_begun());
        if let Some(former) = self.release(&Key::Name(Arc::clone(&name))) {
            self.outputs.push_back(Output::Evict { pid: former });
        }
        self.hold(Entry::Claim { name, claim });
    }

    fn unregister(&mut self, name: Arc<str>) {
        match self.holder(&name) {
            Some(pid) if pid.creation() == self.me => self.drop_own(&Key::Name(name)),
            Some(pid) => {
                let message = Message::Unregister(Unregister { name, pid });
                let to = pid.creation();
                self.outputs.push_back(Output::Send { to, message });
            }
            None => {}
        }
    }

    /// A node that stops leaves names to others, and takes none over that are left to others.
    fn is_left_to_others(&self, claim: &Claim) -> bool {
        claim.is_draining() && !self.draining.is_begun()
    }

    fn join(&mut self, group: Arc<str>, pid: Pid) {
        if self.draining.is_begun() {
            return;
        }
        let entry = Entry::Member { group, pid };
        if !self.own.hold_again(pid, &entry.key()) {
            self.hold(entry);
        }
    }

    fn leave(&mut self, group: Arc<str>, pid: Pid) {
        let key = Key::Member { group, pid };
        if !self.own.release_again(pid, &key) {
            self.drop_own(&key);
        }
    }

    fn process_ended(&mut self, pid: Pid) {
        let is_watching = self.watchers.is_watching(pid);
        self.watchers.forget(pid);
        if is_watching {
            self.unwatch(pid);
        }
        self.release_all(pid);
    }

    fn node_up(&mut self, node: Creation, now: Now) {
        if node == self.me {
            return;
        }
        self.origins.up(node);
        self.compare_at = self.compare_at.min(now.at + COMPARE_DELAY);
        if self.neighbours.contains(node) {
            self.send_summary(node);
        }
    }

    fn node_down(&mut self, node: Creation) {
        if node == self.me {
            return;
        }
        self.origins.down(node);
        self.need_no_confirmation(node);
        for key in self.table.keys_of(node) {
            self.remove(&key, node);
        }
    }

    /// Takes an entry of another node out, and publishes what comes of it.
    pub(super) fn remove(&mut self, key: &Key, origin: Creation) {
        if self.table.remove(key, origin).is_some() {
            self.settle(key);
        }
    }

    /// The entries of a key changed: publishes what comes of it.
    pub(super) fn settle(&mut self, key: &Key) {
        match key {
            Key::Name(name) => self.settle_name(name),
            Key::Member { group, pid } => {
                let (group, pid) = (Arc::clone(group), *pid);
                let event = if self.table.contains(key, pid.creation()) {
                    GroupEvent::Joined { group, pid }
                } else {
                    GroupEvent::Left { group, pid }
                };
                self.regroup(&event);
            }
        }
    }

    /// The claims to a name changed: drops ours if it lost, and publishes the holder.
    fn settle_name(&mut self, name: &Arc<str>) {
        let own = self.table.claim(name, self.me).copied();
        if let Some(own) = own.filter(|own| self.holder(name) != Some(own.pid)) {
            self.release(&Key::Name(Arc::clone(name)));
            if !own.is_draining() {
                self.outputs.push_back(Output::Evict { pid: own.pid });
            }
        }
        let winner = self.table.winner(name).copied();
        // The processes of a node that stops still find each other.
        let holder = winner.filter(|claim| !claim.is_draining() || claim.origin() == self.me);
        self.outputs.push_back(Output::Publish {
            name: Arc::clone(name),
            holder: holder.map(|claim| claim.pid),
        });
        match (winner, holder) {
            (None, _) => self.vacancies.gone(name),
            (Some(_), None) if self.vacancies.drains(name) => self.set_awaited(name, true),
            (Some(_), Some(_)) if self.vacancies.found(name) => self.set_awaited(name, false),
            (Some(_), _) => {}
        }
    }

    fn set_awaited(&mut self, name: &Arc<str>, is_awaited: bool) {
        let name = Arc::clone(name);
        self.outputs.push_back(Output::Await { name, is_awaited });
    }

    /// Published first, so that who is told finds it to be so.
    fn regroup(&mut self, event: &GroupEvent) {
        self.outputs.push_back(Output::Regroup(event.clone()));
        for watcher in self.watchers.of_group(event.group()) {
            let event = event.clone();
            self.outputs.push_back(Output::Tell { watcher, event });
        }
    }

    /// A process of this node has this entry from now on.
    pub(super) fn hold(&mut self, entry: Entry) {
        let key = entry.key();
        self.watch(entry.pid());
        self.table.insert(&entry);
        self.own.hold(entry);
        self.settle(&key);
    }

    /// A process of this node loses an entry, if it is there.
    pub(super) fn drop_own(&mut self, key: &Key) {
        if self.release(key).is_some() {
            self.settle(key);
        }
    }

    /// A process of this node loses all its entries.
    fn release_all(&mut self, pid: Pid) {
        for key in self.own.keys_of(pid) {
            self.drop_own(&key);
        }
    }

    /// Takes an entry of this node out; whose it was.
    fn release(&mut self, key: &Key) -> Option<Pid> {
        let pid = self.table.remove(key, self.me)?.pid();
        self.own.release(pid, key);
        self.unwatch(pid);
        Some(pid)
    }

    /// Before a process of this node gets something that goes when it ends.
    fn watch(&mut self, pid: Pid) {
        if !self.own.holds_any(pid) && !self.watchers.is_watching(pid) {
            self.outputs.push_back(Output::Watch { pid });
        }
    }

    /// After a process of this node lost something.
    fn unwatch(&mut self, pid: Pid) {
        if !self.own.holds_any(pid) && !self.watchers.is_watching(pid) {
            self.outputs.push_back(Output::Unwatch { pid });
        }
    }
}
