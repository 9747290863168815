//! Pure: the machine's part that makes up for lost news.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::machine::Machine;
use super::message::{Digest, Message, Record, State};
use super::output::SessionId;

/// How long after it was told all that we know a peer is not told it again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long after that a digest of this peer does not make us tell it again.
const SHORT_PAUSE: Duration = Duration::from_millis(200);

/// How long news is flooded over every new session.
const EDGE: Duration = Duration::from_secs(5);

impl Machine {
    /// Sends a digest to a random neighbour.
    pub(super) fn check_sync(&mut self, now: Instant) {
        if self.is_leaving() || !self.sync.take_due(now) {
            return;
        }
        let neighbours = self.neighbours.slots();
        let neighbours = neighbours.filter_map(|slot| self.members.get(slot)?.session);
        let mut sessions: Vec<SessionId> = neighbours.chain(self.edges.keys().copied()).collect();
        sessions.sort_unstable();
        sessions.dedup();
        if sessions.is_empty() {
            return;
        }
        let chosen = sessions[self.rng.random_range(0..sessions.len())];
        let digest = Digest {
            view: self.sync.view(),
            is_settled: self.sync.is_settled(now),
            reports: self.rumours.choose(now, &mut self.rng),
        };
        self.send(chosen, Message::Digest(digest));
    }

    /// A peer summed up what it knows. If that differs from what we know, and nothing is under way
    /// that will settle it, both tell each other everything.
    pub(super) fn compare(&mut self, session: SessionId, digest: &Digest, now: Instant) {
        let is_settled = digest.is_settled && self.sync.is_settled(now);
        let is_new = !self.has_told(session, SHORT_PAUSE, now);
        if digest.view != self.sync.view() && is_settled && is_new {
            self.tell_state(session, true, now);
        }
    }

    /// A peer told us everything and wants to hear the same, unless it just did.
    pub(super) fn answer_state(&mut self, session: SessionId, now: Instant) {
        if !self.has_told(session, PAUSE, now) {
            self.tell_state(session, false, now);
        }
    }

    /// Whether the peer was told all that we know in this time.
    fn has_told(&self, session: SessionId, time: Duration, now: Instant) -> bool {
        let told_at = self.sessions.get(session).and_then(|found| found.told_at);
        told_at.is_some_and(|at| now.saturating_duration_since(at) < time)
    }

    /// Tells one peer all that we know, ourselves included.
    pub(super) fn tell_state(&mut self, session: SessionId, is_question: bool, now: Instant) {
        let Some(found) = self.sessions.get_mut(session) else {
            return;
        };
        found.told_at = Some(now);
        let own = self.own_record();
        let known = self.members.iter().map(|(_, member)| member.record());
        let records: Vec<Record> = known.chain([own]).collect();
        for message in State::messages(&records, is_question) {
            self.send(session, message);
        }
    }

    /// News is flooded over a new session for a while, whoever the peer is: it may be the only way
    /// between two parts of the cluster that have just met.
    pub(super) fn open_edge(&mut self, session: SessionId, now: Instant) {
        self.edges.insert(session, now + EDGE);
    }
}
