//! Pure: the machine's part that hears from members, and of members.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::machine::Machine;
use super::member::State;
use super::message::{Message, RECORDS_MAX, Record, Standing};
use super::output::{Output, SessionId};

/// To how many members news is sent on.
const RELAYS_MAX: usize = 4;

impl Machine {
    /// Authenticated bytes came from a peer.
    pub(super) fn heard(&mut self, session: SessionId, now: Instant) {
        let Some(peer) = self.sessions.get(session).map(|session| &session.peer) else {
            return;
        };
        if let Some(member) = self.members.get_mut(&peer.id)
            && let State::Up { heard_at, .. } = &mut member.state
        {
            *heard_at = now;
        }
    }

    pub(super) fn message(&mut self, session: SessionId, message: Message, now: Instant) {
        self.heard(session, now);
        let Some(peer) = self
            .sessions
            .get(session)
            .map(|session| session.peer.clone())
        else {
            return;
        };
        match message {
            Message::Heartbeat(facts) => {
                let age = Duration::ZERO;
                self.emit(Output::Facts { peer, facts, age });
            }
            Message::Members(records) => {
                for record in records.iter().take(RECORDS_MAX) {
                    self.merge(session, record, now);
                }
            }
        }
    }

    /// Takes in what a peer knows of a member. Who is up is decided by our own session with it;
    /// a record tells where to look for one, and whom not to look for any more.
    fn merge(&mut self, from: SessionId, record: &Record, now: Instant) {
        if record.peer.id == self.own.peer.id {
            return;
        }
        let is_news = match self.members.get_mut(&record.peer.id) {
            Some(member) if member.peer == record.peer => {
                member.incarnation = member.incarnation.max(record.incarnation);
                let has_left = record.standing == Standing::Left;
                let is_sought = matches!(member.state, State::Learned | State::Down);
                if has_left && is_sought {
                    member.enter(State::Left, now);
                    member.redial_at = None;
                }
                has_left && is_sought
            }
            Some(member) if member.is_up() => false,
            // Two members that hold two former lives for alive must not convince each other of
            // them in turn, so another life is learned and not passed on.
            Some(_) => {
                self.learn(record, now);
                false
            }
            None => self.learn(record, now),
        };
        if is_news {
            self.relay(from, record);
        }
    }

    /// A life of a node that we did not know. The smaller of two identities dials, so that dials
    /// seldom cross; the other one does when nothing came of that.
    fn learn(&mut self, record: &Record, now: Instant) -> bool {
        if record.standing != Standing::Up {
            return false;
        }
        let is_smaller = self.own.peer.id < record.peer.id;
        let patience = self.rules.heartbeat_interval;
        let Record {
            peer,
            key,
            incarnation,
            ..
        } = record;
        let Some(member) = self.record(peer, *key, *incarnation, now) else {
            return false;
        };
        member.redial_at = Some(if is_smaller { now } else { now + patience });
        true
    }

    /// Sends news on to a few members chosen at random, but not to who told them, nor whom they
    /// are about. Each member does so once, so that all learn them at a bounded cost to each.
    fn relay(&mut self, from: SessionId, record: &Record) {
        let others = self.sessions.ids_but(record.peer.creation);
        let others: Vec<SessionId> = others.filter(|id| *id != from).collect();
        for _ in 0..RELAYS_MAX.min(others.len()) {
            let session = others[self.rng.random_range(0..others.len())];
            let message = Message::Members(vec![record.clone()]);
            self.emit(Output::Send { session, message });
        }
    }
}
