//! Pure: the machine's part that watches its subjects, and asks before it accuses.

use std::time::{Duration, Instant};

use noex_core::Creation;
use rand::seq::SliceRandom;

use super::dial_table::Aim;
use super::linking::DIALS_MAX;
use super::machine::Machine;
use super::message::{Cause, Message};
use super::neighbour::{Phase, Watch};
use super::output::SessionId;
use super::rings::Slot;

/// So many others are asked whether they hear of a silent subject.
const HELPERS: usize = 3;

impl Machine {
    /// Looks at the subjects whose time has come.
    pub(super) fn check_watches(&mut self, now: Instant) {
        if self.is_leaving() {
            return;
        }
        if self.neighbours.timeout().is_none_or(|at| at > now) {
            return;
        }
        let due = self.neighbours.watches();
        let due = due.filter(|(_, watch)| watch.due <= now);
        let due: Vec<Slot> = due.map(|(slot, _)| slot).collect();
        for slot in due {
            self.examine(slot, now);
        }
    }

    fn examine(&mut self, slot: Slot, now: Instant) {
        let interval = self.rules.heartbeat_interval;
        self.note_heard(slot);
        let is_welcome = self.members.get(slot).is_some_and(|m| m.is_welcome());
        let doubt = self.health.score(now) * (interval / 2);
        let patience = self.rules.patience();
        let Some(watch) = self.watch_mut(slot) else {
            return;
        };
        if !is_welcome {
            watch.due = now + interval;
            return;
        }
        let quarter = now + interval / 4;
        match (watch.phase, watch.adopted_at) {
            (Phase::Quiet, Some(adopted_at)) => {
                let ask_at = adopted_at + interval.mul_f64(0.9);
                watch.due = quarter.min(ask_at.max(now));
                if now >= ask_at {
                    return self.question(slot, Cause::Silent, now);
                }
                self.ping(slot);
            }
            (Phase::Quiet, None) => {
                let limit = patience * 2_u32.pow(watch.penalty(now)) + doubt;
                watch.due = watch.since + limit;
                if watch.due <= now {
                    self.question(slot, Cause::Silent, now);
                }
            }
            (Phase::Asking { vote_at, cause, .. }, _) => {
                watch.due = quarter.min(vote_at.max(now));
                if now >= vote_at {
                    watch.due = quarter;
                    return self.accuse(slot, cause, now);
                }
                self.ping(slot);
            }
            (Phase::Accusing { again_at, .. }, _) => {
                watch.due = quarter;
                if now >= again_at {
                    return self.question(slot, Cause::Silent, now);
                }
                self.ping(slot);
            }
        }
    }

    /// Asks a subject, and others about it, before we vote.
    fn question(&mut self, slot: Slot, cause: Cause, now: Instant) {
        let interval = self.rules.heartbeat_interval;
        let vote_at = now + interval.mul_f64(0.3);
        let helpers = self.helpers(slot);
        let is_alone = self.neighbours.slots().all(|other| other == slot);
        if let Some(watch) = self.watch_mut(slot) {
            watch.phase = Phase::Asking {
                vote_at,
                cause,
                is_confirmed: is_alone,
            };
            watch.due = now + interval / 4;
        }
        let Some(member) = self.members.get(slot) else {
            return;
        };
        let about = member.creation();
        if member.session.is_none() {
            self.links.seek(slot, self.rules.backoff, now);
        }
        self.ping(slot);
        for session in helpers {
            self.send(session, Message::Ask { about });
        }
    }

    /// The connection with a member closed, and a new one can't be had. Once we were wrong about
    /// that we ask others first.
    pub(super) fn refused(&mut self, slot: Slot, now: Instant) {
        let Some(watch) = self.watch_mut(slot) else {
            return;
        };
        let is_trusted = watch.penalty(now) == 0;
        match watch.phase {
            Phase::Quiet | Phase::Asking { .. } if is_trusted => {
                self.accuse(slot, Cause::Closed, now);
            }
            Phase::Quiet => self.question(slot, Cause::Closed, now),
            Phase::Asking { .. } | Phase::Accusing { .. } => {}
        }
    }

    /// Those to ask about a member: first who observes it as well.
    fn helpers(&mut self, about: Slot) -> Vec<SessionId> {
        let Some(place) = self.members.place(about) else {
            return Vec::new();
        };
        let mut observers = self.rings.observers(place, |slot| self.members.is_up(slot));
        observers.shuffle(&mut self.rng);
        let mut others: Vec<Slot> = self.neighbours.slots().collect();
        others.shuffle(&mut self.rng);
        let mut helpers: Vec<SessionId> = Vec::with_capacity(HELPERS);
        for slot in observers.into_iter().chain(others) {
            let session = self.members.get(slot).and_then(|member| member.session);
            if let Some(session) = session
                && slot != about
                && !helpers.contains(&session)
            {
                helpers.push(session);
            }
            if helpers.len() == HELPERS {
                break;
            }
        }
        helpers
    }

    /// A peer wants to know whether another node lives.
    pub(super) fn asked_about(&mut self, from: SessionId, about: Creation, now: Instant) {
        let interval = self.rules.heartbeat_interval;
        let Some((slot, member)) = self.members.by_life(about) else {
            return;
        };
        let (peer, session) = (member.peer().clone(), member.session);
        if !member.is_up() || self.is_leaving() {
            return;
        }
        self.inquiries.add(about, from, now + interval / 5);
        if self.is_heard_lately(slot, now) {
            return self.answer_inquiries(about);
        }
        match session {
            Some(session) => self.send(session, Message::Ping),
            None if self.dials.len() >= DIALS_MAX || self.dials.is_looking_at(&peer) => {}
            None => self.dial(Aim::Sight(peer), now),
        }
    }

    /// A member answered our ping: it was heard of by that, and who asked about it is told.
    pub(super) fn pong(&mut self, slot: Slot) {
        if let Some(creation) = self.members.get(slot).map(|member| member.creation()) {
            self.answer_inquiries(creation);
        }
    }

    /// Tells those who asked about a member that we have not heard of it either.
    pub(super) fn check_inquiries(&mut self, now: Instant) {
        for (who, session) in self.inquiries.take_overdue(now) {
            self.send(session, Message::Unseen { who });
        }
    }

    /// Another node was asked about a member, and has not heard of it either.
    pub(super) fn unseen(&mut self, who: Creation, now: Instant) {
        let Some(slot) = self.members.slot_of_life(who) else {
            return;
        };
        let Some(watch) = self.watch_mut(slot) else {
            return;
        };
        match &mut watch.phase {
            Phase::Asking { is_confirmed, .. } => *is_confirmed = true,
            Phase::Accusing { .. } => self.tell_vote(slot, now),
            Phase::Quiet => {}
        }
    }

    /// Another node has just heard of a member.
    pub(super) fn seen(&mut self, who: Creation, now: Instant) {
        let Some(slot) = self.members.slot_of_life(who) else {
            return;
        };
        let patience = self.rules.patience();
        if let Some(watch) = self.watch_mut(slot) {
            watch.clear(now);
            watch.due = now + patience;
        }
    }

    pub(super) fn answer_inquiries(&mut self, who: Creation) {
        for session in self.inquiries.answer(who) {
            self.send(session, Message::Seen { who });
        }
    }

    fn ping(&mut self, slot: Slot) {
        if let Some(session) = self.members.get(slot).and_then(|member| member.session) {
            self.send(session, Message::Ping);
        }
    }

    /// For how long nothing was heard of a subject.
    pub(super) fn silence(&self, slot: Slot, now: Instant) -> Duration {
        let since = self.neighbours.watch(slot).map(|watch| watch.since);
        let since = since.max(self.heard_at(slot));
        since.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    /// When the session with a member brought something.
    pub(super) fn heard_at(&self, slot: Slot) -> Option<Instant> {
        let session = self.members.get(slot)?.session?;
        self.sessions.get(session).map(|session| session.heard_at)
    }

    /// Notes when a subject was heard of last, before its session is closed: or its silence would
    /// seem to be longer than it is.
    pub(super) fn note_heard(&mut self, slot: Slot) {
        let heard_at = self.heard_at(slot);
        if let Some(watch) = self.watch_mut(slot)
            && let Some(heard_at) = heard_at.filter(|at| *at > watch.since)
        {
            watch.clear(heard_at);
        }
    }

    pub(super) fn watch_mut(&mut self, slot: Slot) -> Option<&mut Watch> {
        self.neighbours.watch_mut(slot)
    }
}
