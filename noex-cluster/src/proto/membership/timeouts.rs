//! Pure: the machine's part that acts when time has passed.

use std::time::{Duration, Instant};

use noex_core::{NodeDownReason, Peer};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::dial_table::Aim;
use super::machine::Machine;
use super::member::{Member, State};
use super::output::{Notice, Output, SessionId};
use super::sessions::REDIAL_DELAY;
use super::status::Status;

/// How often a random member is told all that we know.
const GOSSIP_INTERVAL: Duration = Duration::from_secs(5);

/// The most dials that are under way before further members that are not up have to wait. Each
/// takes a socket, and whom to dial is what others say.
pub(super) const DIALS_MAX: usize = 64;

/// The longest that a leave may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

impl Machine {
    /// Sends the heartbeats when they are due.
    pub(super) fn check_tick(&mut self, now: Instant) {
        let interval = self.rules.heartbeat_interval;
        let late = now.saturating_duration_since(self.timers.tick_at);
        if now < self.timers.tick_at {
            return;
        }
        if late > interval / 2 {
            self.resume(now);
        }
        let sessions: Vec<SessionId> = self.sessions.ids().collect();
        for session in sessions {
            self.emit(Output::Heartbeat { session });
        }
        let gap = interval.mul_f64(self.rng.random_range(0.9..=1.0));
        self.timers.tick_at = now + gap;
    }

    /// We were paused ourselves: nobody's silence counts for more than one interval, and nobody
    /// is declared down before what waits in the sockets has been read.
    fn resume(&mut self, now: Instant) {
        let interval = self.rules.heartbeat_interval;
        self.incarnation += 1;
        for member in self.members.iter_mut() {
            if let State::Up { heard_at, .. } = &mut member.state {
                *heard_at = (*heard_at).max(now.checked_sub(interval).unwrap_or(now));
            }
        }
        self.timers.verdicts_at = Some(now + interval / 5);
        self.notice(Notice::Paused);
    }

    /// Declares down who was silent for too long, or has left.
    pub(super) fn check_members(&mut self, now: Instant) {
        let detection = self.rules.detection_time();
        let is_held = self.timers.verdicts_at.is_some_and(|held| now < held);
        if !is_held {
            self.timers.verdicts_at = None;
        }
        let verdict = |state: State| match state {
            State::Up { heard_at, .. } if !is_held && now >= heard_at + detection => {
                Some(NodeDownReason::HeartbeatTimeout)
            }
            State::Leaving { deadline, .. } if now >= deadline => {
                Some(NodeDownReason::GracefulShutdown)
            }
            State::Up { .. }
            | State::Leaving { .. }
            | State::Learned
            | State::Down
            | State::Left => None,
        };
        let members = self.members.iter();
        let due = members.filter_map(|m| Some((m.peer.clone(), verdict(m.state)?)));
        let due: Vec<(Peer, NodeDownReason)> = due.collect();
        for (peer, reason) in due {
            self.down(&peer, reason, now);
        }
    }

    /// Runs alone if nobody was found for long enough.
    pub(super) fn check_join(&mut self, now: Instant) {
        if self.timers.join_at.take_if(|at| *at <= now).is_some() {
            self.enter(Status::Running);
        }
    }

    /// Dials and resolves what is due.
    pub(super) fn check_dials(&mut self, now: Instant) {
        if self.is_leaving() {
            return;
        }
        for seed in self.discovery.take_due_seeds(now) {
            self.emit(Output::Resolve { seed });
        }
        let room = DIALS_MAX.saturating_sub(self.dials.len());
        for at in self.discovery.take_due_addresses(now, room) {
            let found = self.discovery.found_at(at);
            if found.is_some_and(|peer| self.sessions.has(peer.creation)) {
                self.discovery.settle(at, now);
            } else {
                self.dial(Aim::Address(at));
            }
        }
        let is_due = |at: &mut Instant| *at <= now;
        let members = self.members.iter_mut();
        let due = members.filter(|m| m.session().is_none());
        let due = due.filter_map(|m| m.redial_at.take_if(is_due).map(|_| m.peer.clone()));
        let mut due: Vec<Peer> = due.collect();
        // No order, so that those which never answer can't keep the others from their turn.
        due.shuffle(&mut self.rng);
        for peer in due {
            if self.sessions.has(peer.creation) {
                continue;
            }
            let is_urgent = self.members.life(&peer).is_some_and(Member::is_broken);
            if is_urgent || self.dials.len() < DIALS_MAX {
                self.dial(Aim::Member(peer));
            } else if let Some(member) = self.members.get_mut(&peer.id) {
                member.redial_at = Some(now + REDIAL_DELAY);
            }
        }
    }

    /// Tells a random member all that we know, so that lost news is made up for.
    pub(super) fn check_gossip(&mut self, now: Instant) {
        if now < self.timers.gossip_at {
            return;
        }
        self.timers.gossip_at = now + GOSSIP_INTERVAL;
        let sessions: Vec<SessionId> = self.sessions.ids().collect();
        if !sessions.is_empty() {
            let chosen = self.rng.random_range(0..sessions.len());
            self.tell_all(sessions[chosen]);
        }
        for node in self.members.forget_old(now) {
            self.emit(Output::Forgotten { node });
        }
    }

    /// Begins to leave: everybody is told, those too with whom a session is about to open.
    pub(super) fn leave(&mut self, now: Instant) {
        if self.is_leaving() {
            return;
        }
        self.enter(Status::Stopping);
        self.timers.stop_at = Some(now + STOP_TIMEOUT);
        for dial in self.dials.end_all_not_proceeding() {
            self.emit(Output::CancelDial { dial });
        }
        let sessions: Vec<SessionId> = self.sessions.ids().collect();
        for session in sessions {
            self.emit(Output::Farewell { session });
        }
        self.check_stop(now);
    }

    /// Has left when every peer closed its session, or time is up. To this node, whoever is still
    /// up is gone then: there is one down for each up even so.
    pub(super) fn check_stop(&mut self, now: Instant) {
        let Some(stop_at) = self.timers.stop_at else {
            return;
        };
        let is_idle = self.sessions.is_idle() && self.dials.is_empty();
        if !is_idle && now < stop_at {
            return;
        }
        self.timers.stop_at = None;
        let up = self.members.iter().filter(|member| member.is_up());
        let up: Vec<Peer> = up.map(|member| member.peer.clone()).collect();
        for peer in up {
            self.down(&peer, NodeDownReason::GracefulShutdown, now);
        }
        self.enter(Status::Stopped);
    }
}
