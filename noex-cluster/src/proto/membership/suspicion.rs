//! Pure: the votes against each member, and when they become mature.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use noex_core::Creation;

use super::message::{Cause, Life};
use super::rings::Slot;

/// So many mature votes take a member down, wherever they come from.
pub(super) const QUORUM: usize = 3;

/// The most votes that are kept against one member: those of its observers, and of some that
/// became its observers since.
const BALLOTS_MAX: usize = 32;

/// A vote as it counts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ballot {
    /// Whose.
    pub voter: Creation,
    /// When the silence that it is about lasts for the detection time.
    pub mature_at: Instant,
    /// Why.
    pub cause: Cause,
}

/// What is held against one member in one incarnation.
#[derive(Debug, Clone)]
pub(super) struct Suspicion {
    /// Against whom.
    pub life: Life,
    /// Where it stands in the table of members.
    pub slot: Slot,
    /// Its observers, as they were before anybody went down lately.
    pub observers: Vec<Slot>,
    /// When it began.
    pub since: Instant,
    /// How many votes of others were passed on, or are about to be.
    pub relayed: usize,
    /// How many votes, our own too, others were told of, or are about to be.
    pub told: usize,
    is_decided: bool,
    ballots: Vec<Ballot>,
}

/// What is held against whom.
#[derive(Debug, Default)]
pub(super) struct SuspicionTable {
    suspicions: BTreeMap<Creation, Suspicion>,
    maturities: BTreeSet<(Instant, Creation)>,
    shared: usize,
}

impl Suspicion {
    /// Nobody has voted yet.
    pub(super) const fn new(life: Life, slot: Slot, observers: Vec<Slot>, since: Instant) -> Self {
        Self {
            life,
            slot,
            observers,
            since,
            relayed: 0,
            told: 0,
            is_decided: false,
            ballots: Vec::new(),
        }
    }

    /// Whether its member is down by it.
    pub(super) const fn is_decided(&self) -> bool {
        self.is_decided
    }

    /// Whether one of its ballots is mature.
    pub(super) fn has_mature(&self, now: Instant) -> bool {
        self.ballots.iter().any(|ballot| ballot.mature_at <= now)
    }

    /// Whether this voter's ballot is mature.
    pub(super) fn is_mature_from(&self, voter: Creation, now: Instant) -> bool {
        self.ballot_of(voter)
            .is_some_and(|ballot| ballot.mature_at <= now)
    }

    /// How many are mature.
    pub(super) fn mature_count(&self, now: Instant) -> usize {
        let mature = self.ballots.iter().filter(|ballot| ballot.mature_at <= now);
        mature.count()
    }

    /// Why it would be down: its connections closed, if one of those that count says so.
    pub(super) fn cause(&self, now: Instant) -> Cause {
        let is_closed = |b: &Ballot| b.mature_at <= now && b.cause == Cause::Closed;
        if self.ballots.iter().any(is_closed) {
            Cause::Closed
        } else {
            Cause::Silent
        }
    }

    /// This voter's ballot.
    pub(super) fn ballot_of(&self, voter: Creation) -> Option<&Ballot> {
        self.ballots.iter().find(|ballot| ballot.voter == voter)
    }

    /// The ballots.
    pub(super) fn ballots(&self) -> &[Ballot] {
        &self.ballots
    }
}

impl SuspicionTable {
    /// Suspects a member, if it is not suspected in this incarnation yet.
    pub(super) fn open(&mut self, suspicion: Suspicion) {
        let creation = suspicion.life.creation;
        let known = self.suspicions.get(&creation);
        if known.is_none_or(|known| known.life.incarnation < suspicion.life.incarnation) {
            self.drop(creation);
            self.suspicions.insert(creation, suspicion);
        }
    }

    /// Adds a ballot to an open suspicion. Whether it tells something new: the same vote on two
    /// ways does not, though it may seem a little older on one of them.
    pub(super) fn add(&mut self, suspect: Creation, ballot: Ballot) -> bool {
        let Some(suspicion) = self.suspicions.get_mut(&suspect) else {
            return false;
        };
        let ballots = &mut suspicion.ballots;
        if suspicion.is_decided {
            return false;
        }
        match ballots.iter().position(|b| b.voter == ballot.voter) {
            Some(known) => {
                let known = &mut ballots[known];
                let is_news = known.cause == Cause::Silent && ballot.cause == Cause::Closed;
                if ballot.mature_at < known.mature_at {
                    *known = ballot;
                    self.maturities.insert((ballot.mature_at, suspect));
                }
                return is_news;
            }
            None if ballots.len() >= BALLOTS_MAX => return false,
            None => {
                ballots.push(ballot);
                self.shared += usize::from(ballots.len() == 2);
            }
        }
        self.maturities.insert((ballot.mature_at, suspect));
        true
    }

    /// Drops what is held against a member.
    pub(super) fn drop(&mut self, suspect: Creation) -> Option<Suspicion> {
        let suspicion = self.suspicions.remove(&suspect)?;
        let is_open = !suspicion.is_decided;
        self.shared -= usize::from(is_open && suspicion.ballots.len() > 1);
        for ballot in &suspicion.ballots {
            self.maturities.remove(&(ballot.mature_at, suspect));
        }
        Some(suspicion)
    }

    /// Drops what has been held against members for so long.
    pub(super) fn forget(&mut self, now: Instant, memory: Duration) {
        let is_old = |s: &&Suspicion| now.saturating_duration_since(s.since) >= memory;
        let old = self.iter().filter(is_old).map(|s| s.life.creation);
        for suspect in old.collect::<Vec<_>>() {
            self.drop(suspect);
        }
    }

    /// Somebody was told of all votes.
    pub(super) fn note_told(&mut self) {
        for suspicion in self.suspicions.values_mut() {
            suspicion.told += suspicion.ballots.len();
        }
    }

    /// A member is down by what is held against it. That is kept for those who have not heard all
    /// of it.
    pub(super) fn decide(&mut self, suspect: Creation) {
        if let Some(suspicion) = self.suspicions.get_mut(&suspect)
            && !std::mem::replace(&mut suspicion.is_decided, true)
        {
            self.shared -= usize::from(suspicion.ballots.len() > 1);
        }
    }

    /// Those of whom a ballot has become mature since this was last asked.
    pub(super) fn take_matured(&mut self, now: Instant) -> Vec<Creation> {
        let mut matured = Vec::new();
        while let Some(&(at, suspect)) = self.maturities.first()
            && at <= now
        {
            self.maturities.pop_first();
            matured.push(suspect);
        }
        matured.dedup();
        matured
    }

    /// What is held against a member.
    pub(super) fn get_mut(&mut self, suspect: Creation) -> Option<&mut Suspicion> {
        self.suspicions.get_mut(&suspect)
    }

    /// What is held against a member.
    pub(super) fn get(&self, suspect: Creation) -> Option<&Suspicion> {
        self.suspicions.get(&suspect)
    }

    /// All of it.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Suspicion> {
        self.suspicions.values()
    }

    /// Those that are suspected, and not down by it.
    pub(super) fn undecided(&self) -> Vec<Creation> {
        let undecided = self.iter().filter(|suspicion| !suspicion.is_decided);
        undecided.map(|suspicion| suspicion.life.creation).collect()
    }

    /// Whether there are any.
    pub(super) fn has_undecided(&self) -> bool {
        self.iter().any(|suspicion| !suspicion.is_decided)
    }

    /// When the oldest suspicion began.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.iter().map(|suspicion| suspicion.since).min()
    }

    /// How many are suspected by more than one.
    pub(super) const fn shared(&self) -> usize {
        self.shared
    }

    /// When the next ballot becomes mature.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.maturities.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUSPECT: Creation = Creation::from_bits(7);

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn table(now: Instant) -> SuspicionTable {
        let mut table = SuspicionTable::default();
        let life = Life {
            creation: SUSPECT,
            incarnation: 0,
        };
        table.open(Suspicion::new(life, Slot(0), Vec::new(), now));
        table
    }

    fn ballot(voter: u64, mature_at: Instant) -> Ballot {
        Ballot {
            voter: Creation::from_bits(voter),
            mature_at,
            cause: Cause::Silent,
        }
    }

    #[test]
    fn a_voter_has_one_ballot_and_the_earlier_one_counts() {
        let now = now();
        let later = now + Duration::from_secs(1);
        let mut table = table(now);
        assert!(table.add(SUSPECT, ballot(1, later)));
        assert!(!table.add(SUSPECT, ballot(1, later)));
        assert!(!table.add(SUSPECT, ballot(1, now)));
        assert!(!table.add(SUSPECT, ballot(1, later)));
        assert_eq!(table.get(SUSPECT).unwrap().mature_count(now), 1);
        assert_eq!(table.get(SUSPECT).unwrap().mature_count(later), 1);
    }

    #[test]
    fn nobody_makes_it_keep_more_ballots_than_may_be() {
        let now = now();
        let mut table = table(now);
        let taken = (0..100).filter(|voter| table.add(SUSPECT, ballot(*voter, now)));
        assert_eq!(taken.count(), BALLOTS_MAX);
    }

    #[test]
    fn what_was_dropped_does_not_become_mature() {
        let now = now();
        let mut table = table(now);
        table.add(SUSPECT, ballot(1, now));
        assert_eq!(table.timeout(), Some(now));
        table.drop(SUSPECT);
        assert_eq!(table.timeout(), None);
        assert_eq!(table.take_matured(now), []);
    }

    #[test]
    fn a_ballot_matures_once() {
        let now = now();
        let mut table = table(now);
        table.add(SUSPECT, ballot(1, now));
        assert_eq!(table.take_matured(now), [SUSPECT]);
        assert_eq!(table.take_matured(now), []);
    }
}
