//! Pure: the machine's part that opens, keeps and closes sessions.

use std::time::{Duration, Instant};

use noex_core::{NodeDownReason, NodeId, Peer};

use super::dial_table::Aim;
use super::input::{DialFailure, Stream, Via};
use super::machine::Machine;
use super::member::{Member, State};
use super::output::{DialId, Notice, Output, SessionId};
use super::session_table::Side;
use super::status::Status;
use crate::proto::wire::Refusal;

/// The delay before a lost session, or one that the peer should have opened, is dialled again.
pub(super) const REDIAL_DELAY: Duration = Duration::from_millis(200);

/// How long a goodbye waits for what the lane still has to deliver.
/// The peer has written all of it by then, but a busy node may need a while to read it.
const LANE_END_TIMEOUT: Duration = Duration::from_millis(1_500);

/// A session that breaks when it is as young as this is not redialled at once: what broke it is
/// likely to break the next one too.
const YOUTH: Duration = Duration::from_secs(1);

impl Machine {
    /// Somebody answers a dial. We go on to say who we are if a session with it is wanted.
    pub(super) fn identified(&mut self, dial: DialId, peer: &Peer, key: [u8; 32], now: Instant) {
        let Some(aim) = self.dials.get(dial).map(|dial| dial.aim.clone()) else {
            return self.emit(Output::CancelDial { dial });
        };
        self.judge_answer(dial, &aim, peer, now);
        if self.is_wanted(&aim, peer, key, now) {
            self.dials.proceed(dial, peer.clone());
            return self.emit(Output::Proceed { dial });
        }
        self.dials.end(dial);
        self.emit(Output::CancelDial { dial });
        match &aim {
            Aim::Address(at) => self.discovery.settle(*at, now),
            Aim::Member(_) => self.dial_again(&aim, now),
        }
    }

    /// What the mere answer to a dial tells.
    fn judge_answer(&mut self, dial: DialId, aim: &Aim, peer: &Peer, now: Instant) {
        match aim {
            Aim::Address(at) => {
                if let Some(expected) = self.discovery.answered(*at, peer) {
                    let found = peer.id.clone();
                    self.notice(Notice::OtherName {
                        address: *at,
                        expected,
                        found,
                    });
                }
            }
            Aim::Member(expected) if expected != peer => {
                self.dials.aim_at(dial, peer.clone());
                if self.members.life(expected).is_some_and(Member::is_broken) {
                    self.down(expected, NodeDownReason::ConnectionClosed, now);
                }
                self.dial_again(aim, now);
            }
            Aim::Member(_) => {}
        }
        // One that lost its session has the detection time for another: an answer is none.
        if let Some(member) = self.members.get_mut(&peer.id)
            && member.peer == *peer
            && let State::Up {
                heard_at,
                session: Some(_),
            } = &mut member.state
        {
            *heard_at = now;
        }
    }

    pub(super) fn dial_failed(&mut self, dial: DialId, how: &DialFailure, now: Instant) {
        let Some(dial) = self.dials.end(dial) else {
            return;
        };
        if *how == DialFailure::Declined(Refusal::NameTaken) {
            self.notice(Notice::NameTaken);
        }
        let judged = dial.found.as_ref().or(match &dial.aim {
            Aim::Member(peer) => Some(peer),
            Aim::Address(_) => None,
        });
        let reason = match how {
            DialFailure::Refused | DialFailure::Reset => Some(NodeDownReason::ConnectionClosed),
            DialFailure::Declined(refusal) => refused_for_good(refusal),
            DialFailure::Lost | DialFailure::NoAnswer => None,
        };
        if let (Some(peer), Some(reason)) = (judged, reason)
            && self.members.life(peer).is_some_and(Member::is_broken)
        {
            let peer = peer.clone();
            self.down(&peer, reason, now);
        }
        self.dial_again(&dial.aim, now);
        self.check_stop(now);
    }

    /// A dial came to nothing: the next one to the same aim, if there is to be one.
    pub(super) fn dial_again(&mut self, aim: &Aim, now: Instant) {
        match aim {
            Aim::Address(at) => self.discovery.failed(*at, now, &mut self.rng),
            Aim::Member(peer) => {
                let Some(member) = self.members.get_mut(&peer.id) else {
                    return;
                };
                let delay = match member.state {
                    State::Up { session: None, .. } => REDIAL_DELAY,
                    State::Learned | State::Down => member.backoff.next_delay(&mut self.rng),
                    State::Up { .. } | State::Leaving { .. } | State::Left => return,
                };
                member.redial_at.get_or_insert(now + delay);
            }
        }
    }

    /// A node asks for a session.
    pub(super) fn asked(&mut self, session: SessionId, peer: Peer, key: [u8; 32], now: Instant) {
        let answer = self.admit(&peer, key, now);
        if answer.is_ok() {
            let superseded = self.sessions.accept(session, peer);
            if let Some(session) = superseded {
                self.emit(Output::CloseSession { session });
            }
        }
        self.emit(Output::Answer { session, answer });
    }

    /// An accepted session came to nothing: a member without one is dialled.
    pub(super) fn accept_failed(&mut self, session: SessionId, now: Instant) {
        let Some(peer) = self.sessions.end_accept(session) else {
            return;
        };
        self.check_stop(now);
        if let Some(member) = self.members.get_mut(&peer.id)
            && member.peer == peer
            && member.session().is_none()
            && member.state != State::Left
        {
            member.redial_at = Some(now);
        }
    }

    /// All streams of a session are there: the node behind it is up.
    pub(super) fn session_opened(
        &mut self,
        session: SessionId,
        peer: &Peer,
        key: [u8; 32],
        via: Via,
        now: Instant,
    ) {
        let Some(side) = self.end_opening(session, via, now) else {
            return self.emit(Output::CloseSession { session });
        };
        self.end_former_lives(peer, now);
        for (dial, ended) in self.dials.end_all_to(peer) {
            self.emit(Output::CancelDial { dial });
            self.settle(&ended.aim, now);
        }
        let known_key = self.members.life(peer).map(|member| member.key);
        let is_sound = match known_key {
            // The peer's gossip, or its other dial, came while this session was being opened.
            Some(known) => known == key,
            None => self.record(peer, key, 0, now).is_some(),
        };
        if !is_sound {
            return self.emit(Output::CloseSession { session });
        }
        if self.attach(session, peer, side, now) {
            self.tell_others(peer);
        }
        self.tell_all(session);
        self.timers.join_at = None;
        if self.is_leaving() {
            // The peer counts us as up, so it must hear that we leave.
            return self.emit(Output::Farewell { session });
        }
        self.enter(Status::Running);
    }

    /// The session was expected: which side dialled.
    fn end_opening(&mut self, session: SessionId, via: Via, now: Instant) -> Option<Side> {
        match via {
            Via::Dial(dial) => {
                let dial = self.dials.end(dial)?;
                self.settle(&dial.aim, now);
                Some(Side::Own)
            }
            Via::Accept => self.sessions.end_accept(session).map(|_| Side::Peer),
        }
    }

    /// There is a session with whom the dial was for.
    fn settle(&mut self, aim: &Aim, now: Instant) {
        if let Aim::Address(at) = aim {
            self.discovery.settle(*at, now);
        }
    }

    /// What counts as up under the identity of `peer` and is not this life, or has said goodbye.
    fn end_former_lives(&mut self, peer: &Peer, now: Instant) {
        let Some(member) = self.members.get(&peer.id) else {
            return;
        };
        let former = member.peer.clone();
        if former != *peer {
            self.down(&former, NodeDownReason::ConnectionClosed, now);
        } else if matches!(member.state, State::Leaving { .. }) {
            self.down(&former, NodeDownReason::GracefulShutdown, now);
        }
    }

    /// Makes the session the one with its node. Whether the node has come up by it.
    fn attach(&mut self, session: SessionId, peer: &Peer, side: Side, now: Instant) -> bool {
        let Some(member) = self.members.get_mut(&peer.id) else {
            return false;
        };
        let was_up = member.is_up();
        let former = member.session();
        member.enter(
            State::Up {
                heard_at: now,
                session: Some(session),
            },
            now,
        );
        member.redial_at = None;
        member.backoff.reset();
        if let Some(former) = former {
            self.sessions.close(former);
            self.emit(Output::CloseSession { session: former });
            self.emit(Output::SessionLost { peer: peer.clone() });
        }
        self.sessions.open(session, peer.clone(), side, now);
        let peer = peer.clone();
        self.emit(if was_up {
            Output::PeerReconnected { peer, session }
        } else {
            Output::PeerUp { peer, session }
        });
        !was_up
    }

    /// A stream of a session closed. Without a goodbye that is a loss, and is redialled at once.
    pub(super) fn closed(&mut self, session: SessionId, stream: Stream, now: Instant) {
        let Some(found) = self.sessions.get(session) else {
            return self.accept_failed(session, now);
        };
        let is_young = now.saturating_duration_since(found.opened_at) < YOUTH;
        let peer = found.peer.clone();
        let Some(member) = self.members.get_mut(&peer.id) else {
            return;
        };
        if matches!(member.state, State::Leaving { .. }) {
            if stream == Stream::Lane {
                self.down(&peer, NodeDownReason::GracefulShutdown, now);
            }
            return;
        }
        if let State::Up { session, .. } = &mut member.state {
            *session = None;
        }
        member.redial_at = is_young.then_some(now + REDIAL_DELAY);
        self.sessions.close(session);
        self.emit(Output::CloseSession { session });
        self.emit(Output::SessionLost { peer: peer.clone() });
        if self.is_leaving() {
            return self.check_stop(now);
        }
        if !is_young {
            self.dial(Aim::Member(peer));
        }
    }

    /// The peer leaves. What it sent before is delivered first.
    pub(super) fn goodbye(&mut self, session: SessionId, now: Instant) {
        let Some(found) = self.sessions.get(session) else {
            return;
        };
        let (peer, is_lane_ended) = (found.peer.clone(), found.is_lane_ended);
        if let Some(member) = self.members.get_mut(&peer.id) {
            let deadline = now + LANE_END_TIMEOUT;
            member.enter(State::Leaving { session, deadline }, now);
        }
        if is_lane_ended {
            self.down(&peer, NodeDownReason::GracefulShutdown, now);
            self.check_stop(now);
        }
    }

    pub(super) fn lane_ended(&mut self, session: SessionId, now: Instant) {
        let Some(found) = self.sessions.get_mut(session) else {
            return;
        };
        found.is_lane_ended = true;
        let peer = found.peer.clone();
        if self
            .members
            .life(&peer)
            .is_some_and(|m| matches!(m.state, State::Leaving { .. }))
        {
            self.down(&peer, NodeDownReason::GracefulShutdown, now);
            self.check_stop(now);
        }
    }

    /// The user wants a session with a member, at once.
    pub(super) fn reconnect(&mut self, node: &NodeId, now: Instant) {
        let Some(member) = self.members.get_mut(node) else {
            return;
        };
        if member.session().is_some() {
            return;
        }
        if member.state == State::Left {
            member.enter(State::Down, now);
        }
        member.backoff.reset();
        member.redial_at = Some(now);
    }

    /// The user wants no session with a member: to both it is as if the other had left.
    pub(super) fn disconnect(&mut self, node: &NodeId, now: Instant) {
        let Some(member) = self.members.get_mut(node) else {
            return;
        };
        let (peer, session) = (member.peer.clone(), member.session());
        if !member.is_up() {
            member.enter(State::Left, now);
            member.redial_at = None;
            return;
        }
        if let Some(session) = session {
            self.emit(Output::Farewell { session });
        }
        self.down(&peer, NodeDownReason::GracefulShutdown, now);
    }
}

/// What it means for a member that was up and lost its session if it declines the next one so.
const fn refused_for_good(refusal: &Refusal) -> Option<NodeDownReason> {
    match refusal {
        Refusal::Stopping => Some(NodeDownReason::GracefulShutdown),
        Refusal::NameTaken | Refusal::WrongKey | Refusal::OwnAddress | Refusal::Other { .. } => {
            Some(NodeDownReason::ConnectionClosed)
        }
        Refusal::AlreadyConnected | Refusal::Crossing | Refusal::UnknownSession => None,
    }
}
