//! Pure: the machine's part that decides with whom to have a session.

use std::time::Instant;

use noex_core::Peer;

use super::dial_table::Aim;
use super::machine::Machine;
use super::member::State;
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
            self.notice(Notice::NameTaken);
            return false;
        }
        if self
            .members
            .key_of(peer.creation)
            .is_some_and(|known| known != key)
        {
            self.notice(Notice::WrongKey { peer: peer.clone() });
            return false;
        }
        if self.is_other_life_alive(peer, now) {
            self.notice(Notice::TwoLives { peer: peer.clone() });
            return false;
        }
        let has_left = self
            .members
            .life(peer)
            .is_some_and(|m| m.state == State::Left);
        let is_seed = matches!(aim, Aim::Address(_));
        !(self.sessions.has(peer.creation)
            || self.dials.is_proceeding_to(peer.creation)
            || (has_left && is_seed))
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
            self.notice(Notice::NameTaken);
            return Err(Refusal::NameTaken);
        }
        if self
            .members
            .key_of(peer.creation)
            .is_some_and(|known| known != key)
        {
            self.notice(Notice::WrongKey { peer: peer.clone() });
            return Err(Refusal::WrongKey);
        }
        if self.is_other_life_alive(peer, now) {
            self.notice(Notice::TwoLives { peer: peer.clone() });
            return Err(Refusal::NameTaken);
        }
        let is_dialling = self.dials.is_proceeding_to(peer.creation);
        match self.sessions.admit(&self.own.peer, peer, is_dialling, now) {
            Admission::Accept => Ok(()),
            Admission::Crossing => Err(Refusal::Crossing),
            Admission::AlreadyConnected => Err(Refusal::AlreadyConnected),
        }
    }

    /// Whether another life of the same node has just been heard of over its session. If it has
    /// ended, its connection closes, or falls silent, and then the new life is welcome; if it has
    /// not, two live nodes have one identity, and the first one keeps it.
    fn is_other_life_alive(&self, peer: &Peer, now: Instant) -> bool {
        let patience = self.rules.heartbeat_interval.mul_f64(1.5);
        self.members
            .get(&peer.id)
            .is_some_and(|member| match member.state {
                State::Up {
                    heard_at,
                    session: Some(_),
                } => member.peer != *peer && now.saturating_duration_since(heard_at) < patience,
                State::Up { session: None, .. }
                | State::Leaving { .. }
                | State::Learned
                | State::Down
                | State::Left => false,
            })
    }
}
