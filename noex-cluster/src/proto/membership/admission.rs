//! Pure: the machine's part that decides with whom to have a session.

use std::time::Instant;

use noex_core::Peer;

use super::dial_table::Aim;
use super::machine::Machine;
use super::member::Tie;
use super::message::Standing;
use super::output::Notice;
use super::session_table::Admission;
use crate::proto::wire::Refusal;

impl Machine {
    /// Whether a session with the node that answered is wanted.
    pub(super) fn is_wanted(
        &mut self,
        aim: &Aim,
        peer: &Peer,
        key: [u8; 32],
        now: Instant,
    ) -> bool {
        if peer.creation == self.own.peer.creation {
            return false;
        }
        if peer.id == self.own.peer.id {
            self.meet_twin(peer);
            return false;
        }
        let member = self.members.by_life(peer.creation).map(|(_, m)| m);
        if member.is_some_and(|member| member.contradicts(key)) {
            self.notice(Notice::WrongKey { peer: peer.clone() });
            return false;
        }
        if self.is_other_life_alive(peer, now) {
            self.notice(Notice::TwoLives { peer: peer.clone() });
            return false;
        }
        let member = self.members.by_life(peer.creation).map(|(_, m)| m);
        let is_unwelcome =
            member.is_some_and(|m| m.standing == Standing::Left || m.tie == Tie::Shunned);
        let is_seed = matches!(aim, Aim::Address(_));
        !(member.is_some_and(|m| m.session.is_some())
            || self.sessions.is_accepting(peer.creation)
            || self.dials.is_proceeding_to(peer.creation)
            || (is_unwelcome && is_seed))
    }

    /// Whether the node that asks for a session may have it.
    pub(super) fn admit(
        &mut self,
        peer: &Peer,
        key: [u8; 32],
        now: Instant,
    ) -> Result<(), Refusal> {
        if self.is_leaving() {
            return Err(Refusal::Stopping);
        }
        if peer.creation == self.own.peer.creation {
            return Err(Refusal::OwnAddress);
        }
        if peer.id == self.own.peer.id {
            self.meet_twin(peer);
            return Err(Refusal::NameTaken);
        }
        let member = self.members.by_life(peer.creation).map(|(_, m)| m);
        if member.is_some_and(|member| member.contradicts(key)) {
            self.notice(Notice::WrongKey { peer: peer.clone() });
            return Err(Refusal::WrongKey);
        }
        if self.is_other_life_alive(peer, now) {
            self.notice(Notice::TwoLives { peer: peer.clone() });
            return Err(Refusal::NameTaken);
        }
        let member = self.members.by_life(peer.creation).map(|(_, m)| m);
        let open = member.and_then(|member| member.session);
        let is_dialling = self.dials.is_proceeding_to(peer.creation);
        let own = &self.own.peer;
        match self.sessions.admit(own, peer, open, is_dialling, now) {
            Admission::Accept => Ok(()),
            Admission::Crossing => Err(Refusal::Crossing),
            Admission::AlreadyConnected => Err(Refusal::AlreadyConnected),
        }
    }

    /// Another live node of our own identity is in reach. Who is with others stays with them, and
    /// refuses it; who is alone is the one that is let in nowhere.
    fn meet_twin(&mut self, twin: &Peer) {
        let peer = twin.clone();
        self.notice(if self.is_with_others() {
            Notice::TwoLives { peer }
        } else {
            Notice::NameTaken { is_member: false }
        });
    }

    /// Another node refused us, because it holds another life of us for up. A former one is down
    /// before long, wherever it ended: who is refused by the same node after that has a live twin.
    pub(super) fn refused_for_twin(&mut self, by: &Peer, now: Instant) {
        let certain = self.rules.detection_time() + 2 * self.rules.heartbeat_interval;
        let memory = certain + 2 * self.rules.backoff.max;
        let age = |since: Instant| now.saturating_duration_since(since);
        let known = self.name_refused.filter(|(_, since)| age(*since) < memory);
        let (refuser, since) = known.unwrap_or((by.creation, now));
        self.name_refused = Some((refuser, since));
        if refuser == by.creation && age(since) >= certain {
            let is_member = self.is_with_others();
            self.notice(Notice::NameTaken { is_member });
        }
    }

    fn is_with_others(&self) -> bool {
        self.session_count() > 0
    }

    /// Whether another life of the same node is up, as far as can be told. If we have a session
    /// with it, or should have, that decides: when it has ended its connection closes, or falls
    /// silent, and then the new life is welcome. If we observe it not, others do, and tell us when
    /// it is down. If it is not down, two live nodes have one identity, and the first one keeps it.
    fn is_other_life_alive(&self, peer: &Peer, now: Instant) -> bool {
        let Some((slot, member)) = self.members.by_id(&peer.id) else {
            return false;
        };
        if !member.is_up() || member.creation() == peer.creation {
            return false;
        }
        let patience = self.rules.heartbeat_interval.mul_f64(1.5);
        match self.heard_at(slot) {
            Some(heard_at) => now.saturating_duration_since(heard_at) < patience,
            None => !self.neighbours.contains(slot) && member.tie != Tie::Shunned,
        }
    }
}
