//! Pure: the machine's part that closes a session for which nobody has had any use for long.
//!
//! Both sides end their lanes behind what is queued, and say when the other's was read to its end.
//! So nothing is lost, whoever begins, and if both do: what comes up meanwhile goes over the next
//! session, which is opened when this one has closed.

use std::time::Instant;

use super::machine::Machine;
use super::member::Tie;
use super::message::Message;
use super::output::{Output, SessionId};
use super::rings::Slot;
use super::session_table::Rest;

impl Machine {
    /// Nothing goes over the session, and nobody waits for anything from there: closes it, unless
    /// the membership itself has use for it.
    pub(super) fn rest(&mut self, session: SessionId, now: Instant) {
        if self.is_spare(session) {
            self.asked_to_rest(session, now);
        }
    }

    /// Whether the membership itself has no use for the session.
    #[must_use]
    pub fn is_spare(&self, session: SessionId) -> bool {
        let found = self.sessions.get(session);
        let is_of_use = |slot| self.is_needed(slot) || self.edges.contains_key(&session);
        found.is_some_and(|found| found.rest.is_none() && !is_of_use(found.slot))
    }

    /// The peer has ended its lane, or is about to.
    pub(super) fn asked_to_rest(&mut self, session: SessionId, now: Instant) {
        if let Some(slot) = self.sessions.get(session).map(|session| session.slot) {
            self.begin_rest(session, slot, now);
        }
    }

    /// The peer has had all that we sent.
    pub(super) fn rest_confirmed(&mut self, session: SessionId, now: Instant) {
        if let Some(rest) = self.sessions.rest_mut(session) {
            rest.is_confirmed = true;
        }
        self.check_rest(session, now);
    }

    /// We have had all that the peer sent.
    pub(super) fn rest_read(&mut self, session: SessionId, now: Instant) {
        if self.sessions.rest_mut(session).is_some() {
            self.send(session, Message::Rested);
            self.check_rest(session, now);
        }
    }

    /// Gives up those that take too long.
    pub(super) fn check_rests(&mut self, now: Instant) {
        for session in self.sessions.overdue_rests(now) {
            self.lose(session, now);
        }
    }

    fn begin_rest(&mut self, session: SessionId, slot: Slot, now: Instant) {
        let member = self.members.get(slot);
        let is_near = member.is_some_and(|member| member.is_up() && member.tie == Tie::Near);
        let may_rest = is_near && !self.is_leaving();
        let Some(found) = self.sessions.get_mut(session) else {
            return;
        };
        if !may_rest || found.rest.is_some() {
            return;
        }
        found.rest = Some(Rest {
            until: now + self.rules.detection_time(),
            is_confirmed: false,
        });
        let is_read = found.is_lane_ended;
        self.send(session, Message::Rest);
        self.emit(Output::Rest { session });
        if is_read {
            self.rest_read(session, now);
        }
    }

    /// Closes the session when nothing is on its way any more.
    fn check_rest(&mut self, session: SessionId, now: Instant) {
        let Some(found) = self.sessions.get(session) else {
            return;
        };
        let is_over = found.is_lane_ended && found.rest.is_some_and(|rest| rest.is_confirmed);
        let slot = found.slot;
        let Some(member) = self.members.get(slot).filter(|_| is_over) else {
            return;
        };
        let (peer, tie) = (member.peer().clone(), member.tie);
        if matches!(tie, Tie::Parting { .. }) {
            // It has said goodbye meanwhile.
            return self.parted(slot, now);
        }
        self.close_session(slot);
        if tie == Tie::Near {
            self.emit(Output::SessionRested { peer });
        }
        // It may have become one of a neighbour meanwhile.
        if self.is_needed(slot) {
            self.links.seek(slot, self.rules.backoff, now);
        }
    }
}
