//! Pure: the machine's part that dials: for a session, or to know whether a node answers.

use std::time::{Duration, Instant};

use noex_core::{Creation, Peer};

use super::dial_table::{Aim, Dial};
use super::input::DialFailure;
use super::machine::Machine;
use super::member::Tie;
use super::message::Standing;
use super::output::{DialId, Endpoint, Output};
use super::rings::Slot;
use crate::proto::wire::Refusal;

/// The delay before a lost session, or one that the peer should have opened, is dialled again.
pub(super) const REDIAL_DELAY: Duration = Duration::from_millis(200);

/// The most dials that are under way before further ones to members that are lost have to wait.
/// Each takes a socket.
pub(super) const DIALS_MAX: usize = 64;

/// The same for those that users wait for: a program that speaks to all at once has to wait a
/// little, and does not run out of sockets by its dials.
pub(super) const WANTED_DIALS_MAX: usize = 256;

/// How long a neighbour that is up may take to answer a dial before a fresh one takes its place.
const FRESH: Duration = Duration::from_secs(1);

/// How long a member that does not answer at all is looked for once in each interval, before that
/// is spaced like other attempts: a cut that heals in this time heals at once.
const HOPE: Duration = Duration::from_mins(10);

impl Machine {
    /// Begins a dial, unless the node leaves.
    pub(super) fn dial(&mut self, aim: Aim, now: Instant) {
        if self.is_leaving() {
            return;
        }
        let to = match &aim {
            Aim::Address(address) => Endpoint::Address(*address),
            Aim::Member(peer) | Aim::Contact(peer) | Aim::Sight(peer) => {
                Endpoint::Node(peer.id.clone())
            }
        };
        let dial = self.dials.begin(aim, now);
        self.emit(Output::Dial { dial, to });
    }

    /// Resolves the seeds and dials the addresses that are due.
    pub(super) fn check_discovery(&mut self, now: Instant) {
        if self.is_leaving() {
            return;
        }
        for seed in self.discovery.take_due_seeds(now) {
            self.emit(Output::Resolve { seed });
        }
        let room = DIALS_MAX.saturating_sub(self.dials.len());
        for at in self.discovery.take_due_addresses(now, room) {
            let found = self.discovery.found_at(at).map(|peer| peer.creation);
            let member = found.and_then(|found| self.members.by_life(found));
            if member.is_some_and(|(_, member)| member.is_up()) {
                self.discovery.settle(at, now);
            } else {
                self.dial(Aim::Address(at), now);
            }
        }
    }

    /// Dials the members that are due.
    pub(super) fn check_links(&mut self, now: Instant) {
        if self.is_leaving() {
            return;
        }
        while let Some(slot) = self.links.take_due(now) {
            self.attempt(slot, now);
        }
    }

    fn attempt(&mut self, slot: Slot, now: Instant) {
        let Some(member) = self.members.get(slot) else {
            self.links.give_up(slot);
            return;
        };
        let peer = member.peer().clone();
        let is_wanted = self.links.get(slot).is_some_and(|link| link.is_wanted);
        let is_needed = self.is_needed(slot);
        let is_sought = is_wanted || is_needed || member.is_missed() || self.is_searcher(slot);
        if member.session.is_some() || !is_sought {
            self.links.give_up(slot);
            return;
        }
        if self.sessions.is_accepting(peer.creation) || self.dials.is_dialling(&peer) {
            return;
        }
        let limit = if is_wanted {
            WANTED_DIALS_MAX
        } else {
            DIALS_MAX
        };
        if is_needed || self.dials.len() < limit {
            self.dial(Aim::Member(peer), now);
        } else {
            self.links.postpone(slot, now + REDIAL_DELAY);
        }
    }

    /// Dials those for whom somebody waits, and whose session came to nothing in another way.
    pub(super) fn check_waiting(&mut self, now: Instant) {
        for slot in self.links.waiting() {
            let Some(peer) = self.members.get(slot).map(|member| member.peer().clone()) else {
                continue;
            };
            if !self.sessions.is_accepting(peer.creation) && !self.dials.is_dialling(&peer) {
                self.links.seek(slot, self.rules.backoff, now);
            }
        }
    }

    /// Whether the member is a neighbour with whom a session is kept.
    pub(super) fn is_needed(&self, slot: Slot) -> bool {
        let member = self.members.get(slot);
        self.neighbours.contains(slot) && member.is_some_and(|m| m.is_welcome())
    }

    /// A signal waits for a session with this life of a node.
    pub(super) fn wanted(&mut self, creation: Creation, now: Instant) {
        let Some((slot, member)) = self.members.by_life(creation) else {
            return;
        };
        if member.session.is_some() {
            return;
        }
        if !member.is_welcome() {
            let peer = member.peer().clone();
            return self.emit(Output::SessionLost { peer });
        }
        let link = self.links.seek(slot, self.rules.backoff, now);
        link.is_wanted = true;
        self.check_links(now);
    }

    /// Ends the dials to lost members that were not answered in almost an interval: when a cut
    /// heals, it is a fresh socket that gets through first. So it is where much is lost, and a
    /// neighbour is out of reach.
    pub(super) fn check_dials(&mut self, now: Instant) {
        let patience = self.rules.heartbeat_interval.mul_f64(0.85);
        let members = &self.members;
        let is_overdue = |peer: &Peer, age: Duration| {
            let member = members.by_life(peer.creation);
            match member.filter(|(_, member)| member.is_up()) {
                None => age >= patience,
                Some((slot, _)) => self.neighbours.contains(slot) && age >= patience.max(FRESH),
            }
        };
        for (dial, ended) in self.dials.end_unanswered(now, is_overdue) {
            self.emit(Output::CancelDial { dial });
            self.dial_again(&ended.aim, Some(&DialFailure::NoAnswer), now);
        }
    }

    pub(super) fn dial_failed(&mut self, dial: DialId, how: &DialFailure, now: Instant) {
        let Some(dial) = self.dials.end(dial) else {
            return;
        };
        if let (Some(by), DialFailure::Declined(Refusal::NameTaken)) = (&dial.found, how) {
            self.refused_for_twin(by, now);
        }
        self.judge_failure(&dial, how, now);
        self.dial_again(&dial.aim, Some(how), now);
        self.check_stop(now);
    }

    /// What it says about a member that is up and without a session that it can't be dialled.
    fn judge_failure(&mut self, dial: &Dial, how: &DialFailure, now: Instant) {
        let Some(peer) = dial.found.as_ref().or_else(|| dial.aim.peer()) else {
            return;
        };
        let Some((slot, member)) = self.members.by_life(peer.creation) else {
            return;
        };
        if !member.is_up() || member.session.is_some() {
            return;
        }
        let life = member.life();
        match how {
            DialFailure::Refused
            | DialFailure::Reset
            | DialFailure::Declined(
                Refusal::NameTaken
                | Refusal::WrongKey
                | Refusal::OwnAddress
                | Refusal::Other { .. },
            ) => self.refused(slot, now),
            DialFailure::Declined(Refusal::Stopping) => self.left(life, None, now),
            DialFailure::Declined(
                Refusal::AlreadyConnected | Refusal::Crossing | Refusal::UnknownSession,
            )
            | DialFailure::Lost
            | DialFailure::NoAnswer => {}
        }
    }

    /// A dial came to nothing: the next one to the same aim, if there is to be one.
    pub(super) fn dial_again(&mut self, aim: &Aim, how: Option<&DialFailure>, now: Instant) {
        match aim {
            Aim::Address(at) => self.discovery.failed(*at, now, &mut self.rng),
            Aim::Member(peer) => self.link_again(peer, how, now),
            Aim::Contact(_) | Aim::Sight(_) => {}
        }
    }

    fn link_again(&mut self, peer: &Peer, how: Option<&DialFailure>, now: Instant) {
        let Some((slot, member)) = self.members.by_life(peer.creation) else {
            return;
        };
        let (standing, since, tie) = (member.standing, member.since, member.tie);
        let is_missed = member.is_missed();
        // The dial was one too many: should nothing come of the other one, this is sought again.
        if member.session.is_some()
            || self.sessions.is_accepting(peer.creation)
            || self.dials.is_dialling(peer)
        {
            return;
        }
        let (is_needed, is_searcher) = (self.is_needed(slot), self.is_searcher(slot));
        let detection = self.rules.detection_time();
        let interval = self.rules.heartbeat_interval;
        let Some(link) = self.links.get_mut(slot) else {
            return;
        };
        // That the dial failed has made it down, and the search for it has begun.
        if standing == Standing::Down && link.is_settled() {
            return;
        }
        let is_crossing = matches!(
            how,
            Some(DialFailure::Declined(
                Refusal::Crossing | Refusal::AlreadyConnected
            ))
        );
        let was_wanted = link.is_wanted && !is_crossing;
        link.is_wanted &= is_crossing;
        let is_unanswered = matches!(how, None | Some(DialFailure::NoAnswer | DialFailure::Lost));
        let is_fresh = now.saturating_duration_since(link.since) < detection;
        let delay = match standing {
            Standing::Up if is_crossing || (is_needed && is_fresh) => Some(REDIAL_DELAY),
            Standing::Up if is_needed || is_missed => Some(link.backoff.next_delay(&mut self.rng)),
            Standing::Down if is_searcher => {
                let is_hopeful = now.saturating_duration_since(since) < HOPE;
                let delay = link.backoff.next_delay(&mut self.rng);
                Some(if is_unanswered && is_hopeful {
                    delay.min(interval / 10)
                } else {
                    delay
                })
            }
            Standing::Up | Standing::Down | Standing::Left => None,
        };
        match delay {
            Some(delay) => self.links.postpone(slot, now + delay),
            None => drop(self.links.give_up(slot)),
        }
        if was_wanted && tie == Tie::Near {
            self.emit(Output::SessionLost { peer: peer.clone() });
        }
    }
}
