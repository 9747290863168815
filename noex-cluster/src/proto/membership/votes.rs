//! Pure: the machine's part that counts votes. Votes are flooded and verdicts are not: each node
//! decides by the votes that it has and its own time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, NodeDownReason};

use super::machine::Machine;
use super::message::{Cause, Life, Message, News, Vote};
use super::neighbour::Phase;
use super::output::SessionId;
use super::rings::Slot;
use super::roll::Roll;
use super::suspicion::{Ballot, QUORUM, Suspicion};

/// So many votes about one member are passed on, besides our own. They suffice for a verdict.
const RELAYS_MAX: usize = QUORUM;

/// How long votes for silence are passed on with less haste after one proved wrong.
pub(super) const DOUBT: Duration = Duration::from_mins(5);

/// How often all suspicions are looked at.
const JUDGE_INTERVAL: Duration = Duration::from_millis(100);

impl Machine {
    /// We vote against a member that we observe. A node that has accused the living again and
    /// again keeps its votes to itself.
    pub(super) fn accuse(&mut self, slot: Slot, cause: Cause, now: Instant) {
        let detection = self.rules.detection_time();
        let silence = self.silence(slot, now);
        let Some(watch) = self.watch_mut(slot) else {
            return;
        };
        let is_adopted = watch.adopted_at.is_some();
        let is_confirmed = match watch.phase {
            Phase::Asking { is_confirmed, .. } => is_confirmed,
            Phase::Quiet | Phase::Accusing { .. } => false,
        };
        watch.phase = Phase::Accusing {
            again_at: now + detection,
            is_told: false,
        };
        let age = match cause {
            Cause::Closed => detection,
            Cause::Silent if is_adopted => self.rules.age_max(),
            Cause::Silent => silence.min(self.rules.age_max()),
        };
        let Some(member) = self.members.get(slot) else {
            return;
        };
        let vote = Vote {
            suspect: member.life(),
            voter: self.own.peer.creation,
            age,
            cause,
        };
        self.cast(slot, vote, now);
        let is_shared = self.is_shared(vote.suspect.creation);
        let is_company = self.roll.as_ref().is_some_and(Roll::has_company);
        if is_confirmed || is_shared || is_company || cause == Cause::Closed {
            self.tell_vote(slot, now);
        }
        self.judge(vote.suspect.creation, now);
        self.consider_roll(now);
    }

    /// Tells the others of our vote, once. It is kept back as long as nobody else has missed the
    /// suspect: then it is likely that we hear badly. So it is after many wrong accusations.
    pub(super) fn tell_vote(&mut self, slot: Slot, now: Instant) {
        if self.health.is_sick(now) {
            return;
        }
        let Some(member) = self.members.get(slot) else {
            return;
        };
        let suspect = member.life();
        let own = self.own.peer.creation;
        let suspicion = self.suspicions.get(suspect.creation);
        let Some(ballot) = suspicion.and_then(|s| s.ballot_of(own)).copied() else {
            return;
        };
        let detection = self.rules.detection_time();
        let Some(watch) = self.watch_mut(slot) else {
            return;
        };
        let Phase::Accusing { is_told, .. } = &mut watch.phase else {
            return;
        };
        if !std::mem::replace(is_told, true) {
            let left = ballot.mature_at.saturating_duration_since(now);
            let vote = Vote {
                suspect,
                voter: own,
                age: detection.saturating_sub(left),
                cause: ballot.cause,
            };
            self.tell(vote, None, now);
        }
    }

    /// Somebody votes against a member.
    pub(super) fn voted(&mut self, vote: Vote, from: SessionId, now: Instant) {
        let age = vote.age.min(self.rules.detection_time());
        let vote = Vote { age, ..vote };
        let Life {
            creation,
            incarnation,
        } = vote.suspect;
        if creation == self.own.peer.creation {
            if !self.rules.flaw.skips_refutation() {
                self.refute(incarnation, now);
            }
            return;
        }
        let Some((slot, member)) = self.members.by_life(creation) else {
            return;
        };
        let known = member.incarnation;
        if !member.is_up() || incarnation < known || !self.may_vote(vote.voter) {
            return;
        }
        if incarnation > known {
            self.raise(slot, incarnation, now);
        }
        if vote.cause == Cause::Silent && self.is_heard_lately(slot, now) {
            let heard = News::Heard(vote.suspect);
            if self.vouch(creation, now) {
                return self.outbox.push(heard, None);
            }
            return self.send(from, Message::News(Arc::new(vec![heard])));
        }
        if vote.cause == Cause::Silent && self.is_vouched(creation, now) {
            return;
        }
        if !self.cast(slot, vote, now) {
            return;
        }
        if let Some(suspicion) = self.suspicions.get_mut(creation)
            && suspicion.relayed < RELAYS_MAX
        {
            suspicion.relayed += 1;
            if !self.rules.flaw.relays_nothing() {
                self.tell(vote, Some(from), now);
            }
        }
        self.join_vote(slot, now);
        self.judge(creation, now);
        self.consider_roll(now);
    }

    /// Tells a vote, our own or that of another. If votes against its suspect have proved wrong
    /// lately, that is done with less haste: a vote for silence has time, as it becomes mature
    /// later, and who hears the suspect can say so before everybody is told.
    fn tell(&mut self, vote: Vote, from: Option<SessionId>, now: Instant) {
        let creation = vote.suspect.creation;
        if let Some(suspicion) = self.suspicions.get_mut(creation) {
            suspicion.told += 1;
        }
        let is_first = from.is_none() && !self.is_shared(creation);
        let is_doubted = vote.cause == Cause::Silent && self.vouched.contains_key(&creation);
        if is_first || !is_doubted {
            return self.outbox.push(News::Vote(vote), from);
        }
        let time = self.rules.heartbeat_interval / 10;
        self.outbox.hold(vote, from, now, time);
    }

    /// Whether others accuse a member too.
    fn is_shared(&self, creation: Creation) -> bool {
        let suspicion = self.suspicions.get(creation);
        suspicion.is_some_and(|suspicion| suspicion.ballots().len() > 1)
    }

    /// Another node has just heard somebody who is suspected of silence. That goes where the votes
    /// have gone: on from all who passed one on.
    pub(super) fn vouched(&mut self, life: Life, from: SessionId, now: Instant) {
        let member = self.members.by_life(life.creation);
        let is_known = member.is_some_and(|(_, m)| m.is_up() && m.incarnation <= life.incarnation);
        if is_known && !self.is_vouched(life.creation, now) && self.vouch(life.creation, now) {
            self.outbox.push(News::Heard(life), Some(from));
        }
    }

    /// A member is heard of, by us or by who told us so: who missed it hears badly. Whether we told
    /// anybody of a vote against it.
    fn vouch(&mut self, creation: Creation, now: Instant) -> bool {
        let until = now + self.rules.patience() / 2;
        self.vouched.insert(creation, until);
        let revoked = self.outbox.revoke(creation);
        let told = self.suspicions.get(creation).map_or(0, |s| s.told);
        if let Some(slot) = self.members.slot_of_life(creation) {
            self.cleared(slot, now);
        }
        told > revoked
    }

    fn is_vouched(&self, creation: Creation, now: Instant) -> bool {
        self.vouched
            .get(&creation)
            .is_some_and(|until| *until > now)
    }

    /// Whether its session brought something within the last interval.
    pub(super) fn is_heard_lately(&self, slot: Slot, now: Instant) -> bool {
        let interval = self.rules.heartbeat_interval;
        let heard_at = self.heard_at(slot);
        heard_at.is_some_and(|at| now.saturating_duration_since(at) < interval)
    }

    /// We observe somebody whom another suspects, and have not heard of it ourselves.
    fn join_vote(&mut self, slot: Slot, now: Instant) {
        let is_silent = self.silence(slot, now) >= self.rules.patience();
        let Some(watch) = self.watch_mut(slot) else {
            return;
        };
        let has_voted = matches!(watch.phase, Phase::Accusing { .. });
        if has_voted {
            self.tell_vote(slot, now);
        } else if is_silent && !self.health.is_sick(now) {
            self.accuse(slot, Cause::Silent, now);
        }
    }

    /// Whether the vote of this life counts: it is of a member that is up.
    fn may_vote(&self, voter: Creation) -> bool {
        let member = self.members.by_life(voter);
        member.is_some_and(|(_, member)| member.is_up())
    }

    /// Counts a vote. Whether it tells something new.
    fn cast(&mut self, slot: Slot, vote: Vote, now: Instant) -> bool {
        self.suspect(slot, now);
        let age = match vote.cause {
            Cause::Closed => self.rules.detection_time(),
            // Told on by others it may be older than when it was cast.
            Cause::Silent => vote.age,
        };
        let ballot = Ballot {
            voter: vote.voter,
            mature_at: now + self.rules.detection_time().saturating_sub(age),
            cause: vote.cause,
        };
        self.suspicions.add(vote.suspect.creation, ballot)
    }

    /// Begins to hold something against a member.
    pub(super) fn suspect(&mut self, slot: Slot, now: Instant) {
        let (Some(place), Some(member)) = (self.members.place(slot), self.members.get(slot)) else {
            return;
        };
        let life = member.life();
        let known = self.suspicions.get(life.creation);
        if known.is_some_and(|known| known.life == life) {
            return;
        }
        // As they were before anybody fell lately: others would begin to count from nothing.
        let observers = self.rings.observers(place, |_| true);
        self.suspicions
            .open(Suspicion::new(life, slot, observers, now));
        let soon = now + JUDGE_INTERVAL;
        let at = self.timers.judge_at;
        self.timers.judge_at = Some(at.map_or(soon, |at| at.min(soon)));
    }

    /// A member showed that it lives, by a higher incarnation. Who accused it was wrong.
    pub(super) fn cleared(&mut self, slot: Slot, now: Instant) {
        let Some(creation) = self.members.get(slot).map(|member| member.creation()) else {
            return;
        };
        let own = self.own.peer.creation;
        let suspicion = self.suspicions.drop(creation);
        self.outbox.revoke(creation);
        if suspicion.is_some() {
            // It is in doubt from now on, though nobody vouched for it.
            self.vouched.entry(creation).or_insert(now);
        }
        let is_ours = suspicion
            .as_ref()
            .is_some_and(|s| s.ballot_of(own).is_some());
        let is_missed = suspicion.is_some() && !self.is_heard_lately(slot, now);
        if let Some(watch) = self.watch_mut(slot) {
            watch.clear(now);
            if is_ours || is_missed {
                watch.refuted(now);
            }
        }
        if is_ours {
            self.health.worsen(now);
        }
    }

    /// Looks at the suspicions of which something has become mature, and now and then at all.
    pub(super) fn check_suspicions(&mut self, now: Instant) {
        if self.timers.verdicts_at.is_some_and(|held| now < held) {
            return;
        }
        self.timers.verdicts_at = None;
        for suspect in self.suspicions.take_matured(now) {
            self.judge(suspect, now);
        }
        if self.timers.judge_at.is_none_or(|at| at > now) {
            return;
        }
        let memory = 3 * self.rules.detection_time();
        self.suspicions.forget(now, memory);
        for suspect in self.suspicions.undecided() {
            self.judge(suspect, now);
        }
        self.timers.judge_at = if self.suspicions.has_undecided() {
            Some(now + JUDGE_INTERVAL)
        } else {
            self.suspicions.oldest().map(|since| since + memory)
        };
    }

    /// A member is down if three votes against it are mature, or those of all its observers that
    /// can still vote.
    fn judge(&mut self, suspect: Creation, now: Instant) {
        if self.is_verdict_held(now) {
            return;
        }
        let suspicion = self.suspicions.get(suspect);
        let Some(suspicion) = suspicion.filter(|suspicion| !suspicion.is_decided()) else {
            return;
        };
        let quorum = if self.rules.flaw.needs_one_vote() {
            1
        } else {
            QUORUM
        };
        let is_down = suspicion.mature_count(now) >= quorum
            || ((suspicion.has_mature(now) || self.is_absent(suspect))
                && suspicion
                    .observers
                    .iter()
                    .all(|observer| self.is_spent(*observer, suspicion, now)));
        if is_down {
            let slot = suspicion.slot;
            self.go_down(slot, self.suspected_reason(suspect, now), now);
        }
    }

    /// Why a member is down, by the votes against it that count here. One of which another life is
    /// up did not just fall silent.
    pub(super) fn suspected_reason(&self, suspect: Creation, now: Instant) -> NodeDownReason {
        let member = self.members.by_life(suspect);
        let is_succeeded = member.is_some_and(|(_, member)| member.successor.is_some());
        let suspicion = self.suspicions.get(suspect);
        let is_closed = suspicion.is_some_and(|found| found.cause(now) == Cause::Closed);
        if is_succeeded || is_closed {
            NodeDownReason::ConnectionClosed
        } else {
            NodeDownReason::HeartbeatTimeout
        }
    }

    /// Whether nobody is to be declared down for now: we were paused, or are waking from a pause
    /// and read what came meanwhile, of which the votes come before their refutation.
    fn is_verdict_held(&self, now: Instant) -> bool {
        let late = now.saturating_duration_since(self.timers.tick_at);
        let is_waking = late > self.rules.heartbeat_interval / 2;
        (is_waking && !self.rules.flaw.ignores_resume())
            || self.timers.verdicts_at.is_some_and(|held| now < held)
    }

    /// Whether nothing more is to be expected of this observer: it has voted, or can't.
    fn is_spent(&self, observer: Slot, suspicion: &Suspicion, now: Instant) -> bool {
        if observer == Slot::OWN {
            return suspicion.is_mature_from(self.own.peer.creation, now);
        }
        let Some(member) = self.members.get(observer).filter(|member| member.is_up()) else {
            return true;
        };
        let creation = member.creation();
        let is_suspect = |creation| {
            let against = self.suspicions.get(creation);
            against.is_some_and(|against| against.has_mature(now))
        };
        suspicion.is_mature_from(creation, now) || is_suspect(creation) || self.is_absent(creation)
    }
}
