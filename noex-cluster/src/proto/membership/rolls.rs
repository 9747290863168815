//! Pure: the machine's part that calls the roll when many fall silent at once.
//!
//! After a split the observers of a node may all be on the other side, and nobody is left to vote
//! against it. So everybody in reach says that it is present, and who does not is absent. Only who
//! itself sees a reason for the call answers it: if somebody is heard of and does not answer, it is
//! us who hear badly, and nobody is absent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, Peer};
use rand::seq::IteratorRandom;

use super::dial_table::Aim;
use super::machine::Machine;
use super::message::{Message, NEWS_MAX, News, Vote};
use super::neighbour::Phase;
use super::output::{Output, SessionId};
use super::rings::Slot;
use super::roll::{ROUNDS, Roll};
use super::suspicion::Suspicion;

/// A node with so few live neighbours may be cut off from others on its side.
const FEW: usize = 6;

/// Who was late to see a reason for the call may still answer it: so often we look.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// To so many others it turns in each round.
const CONTACTS: usize = 48;

impl Machine {
    /// Calls the roll if many are suspected, and it was not called just before.
    pub(super) fn consider_roll(&mut self, now: Instant) {
        let size = self.members.len().saturating_sub(self.lost.len());
        let is_many = self.suspicions.shared() >= (size / 20).max(2);
        if self.roll.is_none() && (is_many || self.is_deaf()) {
            self.begin_roll(now);
        }
    }

    /// Whether we accuse most of those whom we observe.
    fn is_deaf(&self) -> bool {
        let (mut accused, mut all) = (0, 0);
        for (_, watch) in self.neighbours.watches() {
            all += 1;
            accused += usize::from(matches!(watch.phase, Phase::Accusing { .. }));
        }
        2 * accused > all
    }

    fn begin_roll(&mut self, now: Instant) {
        let mut roll = Roll::new(now, self.rules.heartbeat_interval);
        let own = self.own.peer.creation;
        roll.add(own);
        self.roll = Some(roll);
        self.outbox.push(News::Present(own), None);
        self.forget_heralds(now);
        for who in std::mem::take(&mut self.heralds).into_keys() {
            self.present(who, None, now);
        }
    }

    fn forget_heralds(&mut self, now: Instant) {
        let memory = self.rules.heartbeat_interval.mul_f64(1.5);
        self.heralds
            .retain(|_, at| now.saturating_duration_since(*at) < memory);
    }

    /// Somebody is present.
    pub(super) fn present(&mut self, who: Creation, from: Option<SessionId>, now: Instant) {
        if self.is_leaving() || self.members.slot_of_life(who).is_none() {
            return;
        }
        let Some(roll) = &mut self.roll else {
            self.heralds.insert(who, now);
            return self.forget_heralds(now);
        };
        if roll.add(who) {
            self.outbox.push(News::Present(who), from);
            self.tell_votes(now);
        }
    }

    /// We are not alone in missing others: our votes need not be kept back.
    fn tell_votes(&mut self, now: Instant) {
        let slots: Vec<Slot> = self.neighbours.slots().collect();
        for slot in slots {
            self.tell_vote(slot, now);
        }
    }

    /// Looks for others, and notes who is absent.
    pub(super) fn check_roll(&mut self, now: Instant) {
        let detection = self.rules.detection_time();
        let Some(roll) = &mut self.roll else {
            return;
        };
        if now >= roll.began_at + detection {
            self.roll = None;
            return;
        }
        if roll.round_at.is_some_and(|at| at <= now) {
            roll.rounds += 1;
            let gap = self.rules.heartbeat_interval.mul_f64(0.15);
            roll.round_at = (roll.rounds < ROUNDS).then_some(now + gap);
            self.look_for_others(now);
        }
        let Some(roll) = &mut self.roll else {
            return;
        };
        if now < roll.look_at {
            return;
        }
        roll.look_at = now + LOOK_INTERVAL;
        let was_valid = roll.is_valid;
        let is_valid = !roll.has_missed() && !self.has_calm_neighbour();
        if let Some(roll) = &mut self.roll {
            roll.is_valid = is_valid;
        }
        if is_valid && !was_valid {
            self.note_absent(now);
        }
    }

    /// Whether a neighbour was heard of while the roll was called, or not long before, and saw no
    /// reason to answer. From behind a cut nothing has come since long before the call.
    fn has_calm_neighbour(&self) -> bool {
        let Some(roll) = &self.roll else {
            return false;
        };
        let lookback = self.rules.patience() / 2;
        let since = roll.began_at.checked_sub(lookback);
        let since = since.unwrap_or(roll.began_at);
        self.neighbours.slots().any(|slot| {
            let is_heard = self.heard_at(slot).is_some_and(|at| at >= since);
            let place = self.members.place(slot);
            is_heard && place.is_some_and(|place| !roll.is_present(place.creation))
        })
    }

    fn look_for_others(&mut self, now: Instant) {
        for dial in self.dials.end_contacts() {
            self.emit(Output::CancelDial { dial });
        }
        if self.live_neighbours(now) >= FEW && !self.is_deaf() {
            return;
        }
        let Some(roll) = &self.roll else {
            return;
        };
        let members = self.members.iter().map(|(_, member)| member);
        let sought = members
            .filter(|m| m.is_welcome() && m.session.is_none() && !roll.is_present(m.creation()));
        let sought: Vec<Peer> = sought
            .map(|member| member.peer().clone())
            .sample(&mut self.rng, CONTACTS);
        for peer in sought {
            if !self.dials.is_dialling(&peer) {
                self.dial(Aim::Contact(peer), now);
            }
        }
    }

    /// From how many neighbours something came of late.
    fn live_neighbours(&self, now: Instant) -> usize {
        let interval = self.rules.heartbeat_interval;
        let is_live = |slot: &Slot| {
            let heard_at = self.heard_at(*slot);
            heard_at.is_some_and(|at| now.saturating_duration_since(at) <= interval.mul_f64(1.2))
        };
        self.neighbours.slots().filter(is_live).count()
    }

    /// Nobody may be left to vote against those who are absent: they are looked at all the same.
    fn note_absent(&mut self, now: Instant) {
        let members = self.members.iter().filter(|(_, member)| member.is_up());
        let absent = members.filter(|(_, member)| self.is_absent(member.creation()));
        let absent: Vec<Slot> = absent.map(|(slot, _)| slot).collect();
        for slot in absent {
            self.suspect(slot, now);
        }
        self.timers.judge_at = Some(now);
    }

    /// Whether the roll was called, and somebody did not answer, nor was heard otherwise.
    pub(super) fn is_absent(&self, creation: Creation) -> bool {
        let Some(roll) = &self.roll else {
            return false;
        };
        if !roll.is_valid || roll.is_present(creation) {
            return false;
        }
        let slot = self.members.slot_of_life(creation);
        let heard_at = slot.and_then(|slot| self.heard_at(slot));
        heard_at.is_none_or(|at| at < roll.began_at)
    }

    /// A session has opened: its peer may not have heard who is present, nor all votes.
    pub(super) fn tell_open(&mut self, session: SessionId, now: Instant) {
        let present = self.roll.iter().flat_map(Roll::present).map(News::Present);
        let suspicions = self.suspicions.iter();
        let votes = suspicions.flat_map(|s| self.open_votes(s, now));
        let news: Vec<News> = present.chain(votes).collect();
        self.suspicions.note_told();
        for news in news.chunks(NEWS_MAX) {
            self.send(session, Message::News(Arc::new(news.to_vec())));
        }
    }

    /// The votes of a suspicion, as old as they are now; without our own if it is kept back.
    fn open_votes<'a>(
        &'a self,
        suspicion: &'a Suspicion,
        now: Instant,
    ) -> impl Iterator<Item = News> + 'a {
        let detection = self.rules.detection_time();
        let own = self.own.peer.creation;
        let watch = self.neighbours.watch(suspicion.slot);
        let is_told = watch.is_some_and(|watch| watch.phase.is_told());
        let ballots = suspicion.ballots().iter();
        let told = ballots.filter(move |ballot| ballot.voter != own || is_told);
        told.map(move |ballot| {
            let left = ballot.mature_at.saturating_duration_since(now);
            News::Vote(Vote {
                suspect: suspicion.life,
                voter: ballot.voter,
                age: detection.saturating_sub(left),
                cause: ballot.cause,
            })
        })
    }
}
