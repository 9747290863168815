//! Pure: the machine's part that finds its neighbours on the rings when the view has changed.

use std::collections::BTreeSet;
use std::time::Instant;

use noex_core::Creation;

use super::machine::Machine;
use super::member::Tie;
use super::neighbour::{Neighbour, Watch};
use super::output::Output;
use super::rings::Slot;

impl Machine {
    /// Finds the neighbours anew, if the view has changed.
    pub(super) fn check_rings(&mut self, now: Instant) {
        if self.timers.rings_at.is_none_or(|at| at > now) {
            return;
        }
        self.timers.rings_at = None;
        self.find_neighbours(now);
        let lost: Vec<Slot> = self.lost.iter().copied().collect();
        for slot in lost {
            self.search(slot, now);
        }
        self.timers.is_neighbourhood_changed = true;
    }

    fn find_neighbours(&mut self, now: Instant) {
        let observers: BTreeSet<Slot> = self.observers().into_iter().collect();
        let subjects: BTreeSet<Slot> = self.subjects().into_iter().collect();
        // Its observers are gone, if some fell lately: then nobody may have watched it.
        let is_adoption = !self.fallen.is_empty() && !self.neighbours.is_empty();
        let due = now + self.rules.patience();
        // It was heard of when it came up.
        let is_old = |slot: Slot| {
            let member = self.members.get(slot);
            member.is_some_and(|member| member.since + self.rules.patience() <= now)
        };
        let watch = |slot: Slot| match self.neighbours.watch(slot) {
            Some(watch) => watch.clone(),
            None if is_adoption && is_old(slot) => Watch::adopting(now),
            None => Watch::new(now, due),
        };
        let neighbour = |slot: Slot| Neighbour {
            is_observer: observers.contains(&slot),
            watch: subjects.contains(&slot).then(|| watch(slot)),
        };
        let all = observers.union(&subjects);
        let all = all.map(|slot| (*slot, neighbour(*slot))).collect();
        let before = self.neighbours.replace(all);
        let fresh = self
            .neighbours
            .slots()
            .filter(|slot| !before.contains(*slot));
        for slot in fresh.collect::<Vec<_>>() {
            self.approach(slot, now);
        }
    }

    /// Seeks a session with a new neighbour. The smaller of two identities dials, so that dials
    /// seldom cross; the other one does when nothing came of that, or when it has no time.
    fn approach(&mut self, slot: Slot, now: Instant) {
        let Some(member) = self.members.get(slot) else {
            return;
        };
        if member.session.is_some() || !member.is_welcome() {
            return;
        }
        let is_smaller = self.own.peer.id < member.peer().id;
        let watch = self.neighbours.watch(slot);
        let is_adopted = watch.is_some_and(|watch| watch.adopted_at.is_some());
        let due = if is_smaller || is_adopted {
            now
        } else {
            now + self.rules.heartbeat_interval / 2
        };
        self.links.seek(slot, self.rules.backoff, due);
    }

    /// Looks for a member that is lost, if it is this node's turn: so that each has two others
    /// who do, whatever the size of the cluster.
    pub(super) fn search(&mut self, slot: Slot, now: Instant) {
        if !self.is_searcher(slot) || self.links.get(slot).is_some() || self.is_leaving() {
            return;
        }
        let link = self.links.seek(slot, self.rules.backoff, now);
        let delay = link.backoff.next_delay(&mut self.rng);
        self.links.postpone(slot, now + delay);
    }

    /// Whether this node is one of those that look for a member that is lost.
    pub(super) fn is_searcher(&self, slot: Slot) -> bool {
        let Some(place) = self.members.place(slot) else {
            return false;
        };
        let is_apart = self.members.get(slot).is_some_and(|m| m.tie == Tie::Apart);
        let is_idle = self.rules.flaw.searches_nobody();
        !is_idle && is_apart && self.lost.contains(&slot) && {
            let mut searchers = self.rings.searchers(place, |slot| self.is_live(slot));
            searchers.any(|slot| slot == Slot::OWN)
        }
    }

    /// The lives of those who hear our heartbeats.
    #[must_use]
    pub fn observer_lives(&self) -> Vec<Creation> {
        let observers = self.neighbours.observers();
        let members = observers.filter_map(|slot| self.members.get(slot));
        members.map(|member| member.creation()).collect()
    }

    /// Those who hear our heartbeats.
    fn observers(&self) -> Vec<Slot> {
        let place = self.own_place();
        self.rings.observers(place, |slot| self.is_live(slot))
    }

    /// Those whose heartbeats we hear.
    fn subjects(&self) -> Vec<Slot> {
        let is_live = |slot: Slot| self.is_live(slot);
        let candidates = self.rings.candidates(self.own_place(), is_live);
        let is_subject = |slot: &Slot| {
            self.members.place(*slot).is_some_and(|place| {
                let observers = self.rings.observers(place, is_live);
                observers.contains(&Slot::OWN)
            })
        };
        candidates.into_iter().filter(is_subject).collect()
    }

    fn is_live(&self, slot: Slot) -> bool {
        slot == Slot::OWN || self.members.is_up(slot)
    }

    /// Tells the shell with which neighbours there is a session, if that has changed.
    pub(super) fn tell_neighbours(&mut self) {
        let is_met = |slot: Slot| {
            let member = self.members.get(slot)?;
            (member.tie == Tie::Near && member.session.is_some()).then(|| member.creation())
        };
        let nodes: Vec<Creation> = self.neighbours.slots().filter_map(is_met).collect();
        if nodes != self.told_neighbours {
            self.told_neighbours.clone_from(&nodes);
            self.emit(Output::Neighbours { nodes });
        }
    }
}
