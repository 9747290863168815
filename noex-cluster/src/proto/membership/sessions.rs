//! Pure: the machine's part that opens, keeps and closes sessions.

use std::time::{Duration, Instant};

use noex_core::{NodeDownReason, NodeId, Peer};

use super::dial_table::Aim;
use super::input::{Stream, Via};
use super::linking::REDIAL_DELAY;
use super::machine::Machine;
use super::member::Tie;
use super::message::{Message, News, Record, Standing, State};
use super::output::{DialId, Notice, Output, SessionId};
use super::rings::Slot;
use super::session_table::Side;
use super::status::Status;

/// A session that breaks when it is as young as this is not redialled at once: what broke it is
/// likely to break the next one too.
const YOUTH: Duration = Duration::from_secs(1);

impl Machine {
    /// Somebody answers a dial. We go on to say who we are if a session with it is wanted.
    pub(super) fn identified(&mut self, dial: DialId, peer: &Peer, key: [u8; 32], now: Instant) {
        let Some(aim) = self.dials.get(dial).map(|dial| dial.aim.clone()) else {
            return self.emit(Output::CancelDial { dial });
        };
        if let Aim::Sight(expected) = &aim {
            self.dials.end(dial);
            self.emit(Output::CancelDial { dial });
            if expected == peer {
                self.answer_inquiries(peer.creation);
            }
            return;
        }
        self.judge_answer(dial, &aim, peer, now);
        if matches!(aim, Aim::Address(_)) && self.dials.is_meeting() {
            // One seed tells of all members; whether this one is among them shows soon.
            self.dials.end(dial);
            self.emit(Output::CancelDial { dial });
            return self.dial_again(&aim, None, now);
        }
        if let (Aim::Contact(_), Some(roll)) = (&aim, &mut self.roll) {
            roll.sight(peer.creation);
        }
        if self.is_wanted(&aim, peer, key, now) {
            self.dials.proceed(dial, peer.clone());
            return self.emit(Output::Proceed { dial });
        }
        self.dials.end(dial);
        self.emit(Output::CancelDial { dial });
        match &aim {
            Aim::Address(at) => self.discovery.settle(*at, now),
            Aim::Member(_) | Aim::Contact(_) | Aim::Sight(_) => {
                self.dial_again(&aim, None, now);
            }
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
            Aim::Member(expected) | Aim::Contact(expected) if expected != peer => {
                self.dials.aim_at(dial, peer.clone());
                if let Some((slot, member)) = self.members.by_life(expected.creation)
                    && member.is_up()
                    && member.session.is_none()
                {
                    self.refused(slot, now);
                }
                self.dial_again(aim, None, now);
            }
            Aim::Member(_) | Aim::Contact(_) | Aim::Sight(_) => {}
        }
    }

    /// A node asks for a session.
    pub(super) fn asked(&mut self, session: SessionId, peer: Peer, key: [u8; 32], now: Instant) {
        let answer = self.admit(&peer, key, now);
        if answer.is_ok() {
            self.asked_for_session(&peer, now);
            let superseded = self.sessions.accept(session, peer);
            if let Some(session) = superseded {
                self.emit(Output::CloseSession { session });
            }
        }
        self.emit(Output::Answer { session, answer });
    }

    /// Who asks for a session lives, even if nothing comes of it.
    fn asked_for_session(&mut self, peer: &Peer, now: Instant) {
        if let Some(slot) = self.members.slot_of_life(peer.creation)
            && let Some(watch) = self.watch_mut(slot)
        {
            watch.clear(now);
        }
    }

    /// An accepted session came to nothing: a member without one is dialled.
    pub(super) fn accept_failed(&mut self, session: SessionId, now: Instant) {
        let Some(peer) = self.sessions.end_accept(session) else {
            return;
        };
        self.check_stop(now);
        let Some((slot, member)) = self.members.by_life(peer.creation) else {
            return;
        };
        let is_sought = self.links.get(slot).is_some() || self.is_needed(slot);
        if member.session.is_none() && is_sought {
            self.links.seek(slot, self.rules.backoff, now);
        }
    }

    /// All streams of a session are there.
    pub(super) fn session_opened(
        &mut self,
        session: SessionId,
        mut record: Record,
        via: Via,
        now: Instant,
    ) {
        let Some(side) = self.end_opening(session, via, now) else {
            return self.emit(Output::CloseSession { session });
        };
        for (dial, ended) in self.dials.end_all_to(&record.who.peer) {
            self.emit(Output::CancelDial { dial });
            self.settle(&ended.aim, now);
        }
        let overtaken = self.overtaken(&record);
        if let Some(overtaken) = &overtaken {
            record.incarnation = overtaken.incarnation.saturating_add(1);
        }
        let Some((slot, is_meeting)) = self.slot_of_opened(&record, now) else {
            return self.emit(Output::CloseSession { session });
        };
        self.attach(session, slot, side, now);
        if let Some(record) = overtaken {
            let (records, is_question) = (vec![record], false);
            let state = State {
                records,
                is_question,
            };
            self.send(session, Message::State(state));
        }
        if is_meeting {
            self.tell_state(session, true, now);
        }
        self.timers.join_at = None;
        if self.is_leaving() {
            // The peer counts us as up, so it must hear that we leave.
            self.emit(Output::Farewell { session });
            return;
        }
        self.enter(Status::Running);
        self.open_edge(session, now);
        self.tell_open(session, now);
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

    /// Where the node stands with whom a session has opened, and whether it was not up to us. What
    /// is up under its identity and is not this life has ended, and so has a life of it that said
    /// goodbye.
    fn slot_of_opened(&mut self, record: &Record, now: Instant) -> Option<(Slot, bool)> {
        let peer = &record.who.peer;
        if let Some((slot, member)) = self.members.by_id(&peer.id) {
            if matches!(member.tie, Tie::Parting { .. }) {
                self.parted(slot, now);
            } else if member.is_up() && member.creation() != peer.creation {
                self.go_down(slot, NodeDownReason::ConnectionClosed, now);
            }
        }
        let is_known = self.members.slot_of_life(peer.creation);
        let slot = match self.members.slot_of(&peer.id) {
            // It lives, whatever we were told.
            Some(slot) if is_known.is_none() => {
                self.succeed(slot, record, now);
                slot
            }
            _ => self.slot_for(record, now)?,
        };
        let member = self.members.get_mut(slot)?;
        // The peer's other dial came while this session was being opened.
        if member.contradicts(record.who.key) {
            return None;
        }
        member.prove(&record.who);
        let is_meeting = !member.is_up();
        if is_known.is_none() {
            self.come_up(slot, record.incarnation, now);
            self.outbox.push(News::Up(record.clone()), None);
        }
        Some((slot, is_meeting))
    }

    /// What is known of another life of the node that seems to be the later one, as the clock was
    /// put back: who has a session lives, and is to raise its incarnation above that.
    fn overtaken(&self, record: &Record) -> Option<Record> {
        let peer = &record.who.peer;
        let (_, member) = self.members.by_id(&peer.id)?;
        let is_other = member.creation() != peer.creation;
        let is_later = is_other && !record.life().is_later_than(member.life());
        is_later.then(|| Record {
            standing: Standing::Down,
            ..member.record()
        })
    }

    /// Makes the session the one with its node.
    fn attach(&mut self, session: SessionId, slot: Slot, side: Side, now: Instant) {
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        let former = member.session.replace(session);
        let (peer, is_up) = (member.peer().clone(), member.is_up());
        let is_told = member.tie == Tie::Near;
        let is_back = is_up && matches!(member.tie, Tie::Apart | Tie::Shunned);
        if is_back {
            member.tie = Tie::Near;
        } else if member.tie == Tie::Shunned {
            // It is told of when it comes up: it wants a session again.
            member.tie = Tie::Apart;
        }
        self.links.give_up(slot);
        self.timers.is_neighbourhood_changed = true;
        if let Some(former) = former {
            self.sessions.close(former);
            self.edges.remove(&former);
            self.emit(Output::CloseSession { session: former });
            if is_told {
                self.emit(Output::SessionLost { peer: peer.clone() });
            }
        }
        self.sessions.open(session, slot, side, now);
        if let Some(watch) = self.watch_mut(slot) {
            watch.clear(now);
        }
        if is_back {
            self.emit(Output::PeerUp { peer: peer.clone() });
        }
        if is_up {
            self.emit(Output::SessionOpened { peer, session });
        }
    }

    /// A stream of a session closed. Without a goodbye that is a loss.
    pub(super) fn closed(&mut self, session: SessionId, stream: Stream, now: Instant) {
        let Some(found) = self.sessions.get(session) else {
            return self.accept_failed(session, now);
        };
        if stream == Stream::Lane && found.rest.is_some() && found.is_lane_ended {
            // In order: both sides have ended it.
            return;
        }
        let slot = found.slot;
        let Some(member) = self.members.get(slot) else {
            return;
        };
        if matches!(member.tie, Tie::Parting { .. }) {
            if stream == Stream::Lane {
                self.parted(slot, now);
            }
            return;
        }
        self.lose(session, now);
    }

    /// A session is lost. A neighbour is redialled at once.
    pub(super) fn lose(&mut self, session: SessionId, now: Instant) {
        let Some(found) = self.sessions.get(session) else {
            return;
        };
        let is_young = now.saturating_duration_since(found.opened_at) < YOUTH;
        let slot = found.slot;
        let Some(member) = self.members.get(slot) else {
            return;
        };
        let (peer, tie) = (member.peer().clone(), member.tie);
        self.close_session(slot);
        if tie == Tie::Near {
            self.emit(Output::SessionLost { peer });
        }
        if self.is_leaving() {
            return self.check_stop(now);
        }
        if self.is_needed(slot) {
            let due = if is_young { now + REDIAL_DELAY } else { now };
            self.links.seek(slot, self.rules.backoff, due);
            self.check_links(now);
        } else {
            self.search(slot, now);
        }
    }

    /// The peer leaves, or wants no session with us. What it sent before is delivered first.
    pub(super) fn goodbye(&mut self, session: SessionId, now: Instant) {
        let Some(found) = self.sessions.get(session) else {
            return;
        };
        let (slot, is_lane_ended) = (found.slot, found.is_lane_ended);
        let is_up = self.members.is_up(slot);
        self.part(slot, is_up, now);
        if is_lane_ended {
            self.parted(slot, now);
        }
    }

    pub(super) fn lane_ended(&mut self, session: SessionId, now: Instant) {
        let Some(found) = self.sessions.get_mut(session) else {
            return;
        };
        found.is_lane_ended = true;
        let slot = found.slot;
        let member = self.members.get(slot);
        if member.is_some_and(|m| matches!(m.tie, Tie::Parting { .. })) {
            self.parted(slot, now);
        } else {
            self.rest_read(session, now);
        }
    }

    /// The user wants a session with a member, at once.
    pub(super) fn reconnect(&mut self, node: &NodeId, now: Instant) {
        let Some(slot) = self.members.slot_of(node) else {
            return;
        };
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        if member.session.is_some() {
            return;
        }
        if member.tie == Tie::Shunned {
            member.tie = Tie::Apart;
        }
        let link = self.links.seek(slot, self.rules.backoff, now);
        link.backoff.reset();
        link.is_wanted = true;
        self.check_links(now);
    }

    /// The user wants no session with a member: to both it is as if the other had left. To the
    /// rest of the cluster nothing has changed.
    pub(super) fn disconnect(&mut self, node: &NodeId, now: Instant) {
        let Some(slot) = self.members.slot_of(node) else {
            return;
        };
        let Some(member) = self.members.get(slot) else {
            return;
        };
        let (peer, session) = (member.peer().clone(), member.session);
        if let Some(session) = session {
            self.emit(Output::Farewell { session });
        }
        self.links.give_up(slot);
        for (dial, _) in self.dials.end_all_to(&peer) {
            self.emit(Output::CancelDial { dial });
        }
        self.part(slot, true, now);
        self.parted(slot, now);
    }
}
