//! Pure: the machine's part that changes who is up, and tells users of it.

use std::time::{Duration, Instant};

use noex_core::NodeDownReason;

use super::machine::Machine;
use super::member::Tie;
use super::message::{News, Record, Standing};
use super::output::{Notice, Output};
use super::rings::{Place, Slot};

/// How long what follows from a change of view waits for further changes.
const BATCH: Duration = Duration::from_millis(100);

/// How long a goodbye waits for what the lane still has to deliver.
/// The peer has written all of it by then, but a busy node may need a while to read it.
const LANE_END_TIMEOUT: Duration = Duration::from_millis(1_500);

impl Machine {
    /// The slot of this life, which is added if there is room for it and no other life of its node
    /// is up. A life that is known to be over has none.
    pub(super) fn slot_for(&mut self, record: &Record, now: Instant) -> Option<Slot> {
        let peer = &record.who.peer;
        if let Some(slot) = self.members.slot_of_life(peer.creation) {
            return Some(slot);
        }
        let Some((slot, member)) = self.members.by_id(&peer.id) else {
            if self.members.is_full() {
                let Some(slot) = self.members.oldest_gone() else {
                    let node = peer.id.clone();
                    self.notice(Notice::TooManyMembers { node });
                    return None;
                };
                self.forget(slot);
            }
            return Some(self.members.insert(record, now));
        };
        if member.is_former(peer.creation) {
            return None;
        }
        if member.is_up() {
            self.told_successor(slot, record, now);
            return None;
        }
        self.succeed(slot, record, now);
        Some(slot)
    }

    /// Another life of a member is told to be up. Somebody let it in because the one that we know
    /// has ended; it has an interval to show that it has not. It is asked once: two live nodes of
    /// one identity would have to show it for ever.
    fn told_successor(&mut self, slot: Slot, record: &Record, now: Instant) {
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        let former = member.successor.replace(Box::new(record.clone()));
        let life = member.life();
        let is_known =
            former.is_some_and(|former| former.life().creation == record.life().creation);
        if !is_known {
            self.reported_down(life, None, now);
        }
    }

    /// Puts another life of its node in the place of one that is not up.
    pub(super) fn succeed(&mut self, slot: Slot, record: &Record, now: Instant) {
        self.tell_down(slot, NodeDownReason::ConnectionClosed);
        self.close_session(slot);
        self.links.give_up(slot);
        self.lost.remove(&slot);
        if let Some(place) = self.members.place(slot) {
            self.rings.remove(place);
            self.reports.remove(&place.creation);
        }
        self.members.succeed(slot, record, now);
        self.changed(now);
    }

    /// Knows these members, which are up, from the start: as after a join.
    pub fn acquaint(&mut self, records: &[Record], now: Instant) {
        let mut slots = Vec::new();
        for record in records {
            if record.who.peer != self.own.peer
                && let Some(slot) = self.slot_for(record, now)
            {
                slots.push((slot, record));
            }
        }
        let places = slots.iter();
        let places = places.filter_map(|(slot, _)| self.members.place(*slot));
        let places: Vec<Place> = places.collect();
        self.rings.extend(&places);
        for (slot, record) in slots {
            self.come_up(slot, record.incarnation, now);
        }
    }

    /// A member is up, in this incarnation. Others are told if that is news to us.
    pub(super) fn come_up(&mut self, slot: Slot, incarnation: u64, now: Instant) {
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        member.incarnation = incarnation;
        member.stand(Standing::Up, now);
        let life = member.life();
        if member.tie == Tie::Apart {
            member.tie = Tie::Near;
            let (peer, session) = (member.peer().clone(), member.session);
            self.emit(Output::PeerUp { peer: peer.clone() });
            if let Some(session) = session {
                self.emit(Output::SessionOpened { peer, session });
            }
        }
        self.sync.toggle(life);
        self.suspicions.drop(life.creation);
        self.lost.remove(&slot);
        self.links.give_up(slot);
        if let Some(place) = self.members.place(slot) {
            self.rings.insert(place);
        }
        self.changed(now);
    }

    /// A member that is up has a higher incarnation.
    pub(super) fn raise(&mut self, slot: Slot, incarnation: u64, now: Instant) {
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        let before = member.life();
        member.incarnation = incarnation;
        let after = member.life();
        self.sync.toggle(before);
        self.sync.toggle(after);
        self.sync.changed(now);
        self.reports.remove(&after.creation);
    }

    /// A member is down, or left.
    pub(super) fn go_down(&mut self, slot: Slot, reason: NodeDownReason, now: Instant) {
        let is_graceful = reason == NodeDownReason::GracefulShutdown;
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        if !member.is_up() {
            return;
        }
        let (life, peer) = (member.life(), member.peer().clone());
        let (session, successor) = (member.session, member.successor.take());
        member.stand(
            if is_graceful {
                Standing::Left
            } else {
                Standing::Down
            },
            now,
        );
        self.sync.toggle(life);
        self.suspicions.decide(life.creation);
        self.reports.remove(&life.creation);
        self.links.give_up(slot);
        if let Some(place) = self.members.place(slot) {
            let until = now + 3 * self.rules.detection_time();
            self.fallen.push_back((until, place));
        }
        for (dial, ended) in self.dials.end_all_to(&peer) {
            self.emit(Output::CancelDial { dial });
            self.dial_again(&ended.aim, None, now);
        }
        self.discovery.lost(peer.creation, now, &mut self.rng);
        if is_graceful && session.is_some() {
            self.part(slot, false, now);
        } else {
            self.tell_down(slot, reason);
            self.close_session(slot);
        }
        if !is_graceful {
            self.lost.insert(slot);
            self.search(slot, now);
        }
        self.changed(now);
        if let Some(record) = successor {
            self.merge_record(&record, None, now);
        }
    }

    /// A member says goodbye: what its lane still has to deliver comes first. If users were not
    /// told that it is up, it has nothing to deliver, and they are not told that it goes.
    pub(super) fn part(&mut self, slot: Slot, is_shunned: bool, now: Instant) {
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        if matches!(member.tie, Tie::Apart | Tie::Shunned) {
            if is_shunned {
                member.tie = Tie::Shunned;
            }
            return self.close_session(slot);
        }
        let deadline = now + LANE_END_TIMEOUT;
        member.tie = Tie::Parting {
            deadline,
            is_shunned,
        };
        let at = self.timers.parting_at;
        self.timers.parting_at = Some(at.map_or(deadline, |at| at.min(deadline)));
    }

    /// All that a member which said goodbye had sent was delivered, or was waited for.
    pub(super) fn parted(&mut self, slot: Slot, now: Instant) {
        self.tell_down(slot, NodeDownReason::GracefulShutdown);
        self.close_session(slot);
        self.check_stop(now);
    }

    /// Ends the partings that are overdue.
    pub(super) fn check_partings(&mut self, now: Instant) {
        if self.timers.parting_at.is_none_or(|at| at > now) {
            return;
        }
        let deadline = |tie: Tie| match tie {
            Tie::Parting { deadline, .. } => Some(deadline),
            Tie::Apart | Tie::Near | Tie::Shunned => None,
        };
        let parting = self.members.iter();
        let parting = parting.filter_map(|(slot, m)| Some((slot, deadline(m.tie)?)));
        let parting: Vec<(Slot, Instant)> = parting.collect();
        let later = parting.iter().map(|(_, at)| *at).filter(|at| *at > now);
        self.timers.parting_at = later.min();
        for (slot, _) in parting.into_iter().filter(|(_, at)| *at <= now) {
            self.parted(slot, now);
        }
    }

    /// Tells users that a member is down: once for each time that they were told that it is up.
    pub(super) fn tell_down(&mut self, slot: Slot, reason: NodeDownReason) {
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        let (tie, reason) = match member.tie {
            Tie::Apart | Tie::Shunned => return,
            Tie::Near => (Tie::Apart, reason),
            Tie::Parting { is_shunned, .. } => {
                let tie = if is_shunned { Tie::Shunned } else { Tie::Apart };
                (tie, NodeDownReason::GracefulShutdown)
            }
        };
        member.tie = tie;
        let peer = member.peer().clone();
        self.emit(Output::PeerDown { peer, reason });
    }

    /// Closes the session with a member, of which users need not hear any more.
    pub(super) fn close_session(&mut self, slot: Slot) {
        self.note_heard(slot);
        let session = self.members.get_mut(slot).and_then(|m| m.session.take());
        if let Some(session) = session {
            self.sessions.close(session);
            self.edges.remove(&session);
            self.timers.is_neighbourhood_changed = true;
            self.emit(Output::CloseSession { session });
        }
    }

    /// Forgets a member that is not up.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.close_session(slot);
        self.links.give_up(slot);
        self.lost.remove(&slot);
        if let Some(place) = self.members.place(slot) {
            self.rings.remove(place);
        }
        if let Some(member) = self.members.forget(slot) {
            let node = member.who.peer.id.clone();
            self.emit(Output::Forgotten { node });
        }
    }

    /// Somebody holds us for down, or for gone: we show that we live.
    pub(super) fn refute(&mut self, incarnation: u64, now: Instant) {
        if incarnation < self.incarnation || self.is_leaving() {
            return;
        }
        self.sync.toggle(self.own_life());
        if !self.rules.flaw.reuses_incarnation() {
            // Who is said to have had the last one can show nothing by the next.
            self.incarnation = incarnation.saturating_add(1);
        }
        self.sync.toggle(self.own_life());
        self.sync.changed(now);
        let record = self.own_record();
        self.outbox.push(News::Up(record), None);
    }

    /// Who is up has changed: the neighbours may have, too.
    fn changed(&mut self, now: Instant) {
        self.sync.changed(now);
        let is_small = self.members.len() <= self.rules.observers;
        let at = if is_small { now } else { now + BATCH };
        self.timers.rings_at.get_or_insert(at);
    }
}
