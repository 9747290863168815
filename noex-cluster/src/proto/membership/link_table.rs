//! Pure: with whom a session is sought, and when to try next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::rings::Slot;
use crate::proto::backoff::{Backoff, BackoffPolicy};

/// A session that is sought.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// How attempts are spaced.
    pub backoff: Backoff,
    /// Whether users wait for it.
    pub is_wanted: bool,
    /// Since when it is sought.
    pub since: Instant,
    due: Option<Instant>,
}

/// The sessions that are sought, by when to try next.
#[derive(Debug, Default)]
pub(super) struct LinkTable {
    links: BTreeMap<Slot, Link>,
    agenda: BTreeSet<(Instant, Slot)>,
}

impl Link {
    /// Whether it is settled when to try next.
    pub(super) const fn is_settled(&self) -> bool {
        self.due.is_some()
    }
}

impl LinkTable {
    /// Seeks a session: the first attempt at `due`, or when one is due already, if that is sooner.
    pub(super) fn seek(&mut self, slot: Slot, policy: BackoffPolicy, due: Instant) -> &mut Link {
        let link = self.links.entry(slot).or_insert_with(|| Link {
            backoff: Backoff::new(policy),
            is_wanted: false,
            since: due,
            due: None,
        });
        if link.due.is_none_or(|earlier| due < earlier) {
            if let Some(earlier) = link.due.replace(due) {
                self.agenda.remove(&(earlier, slot));
            }
            self.agenda.insert((due, slot));
        }
        link
    }

    /// The next attempt is not due before this.
    pub(super) fn postpone(&mut self, slot: Slot, due: Instant) {
        if let Some(link) = self.links.get_mut(&slot) {
            if let Some(earlier) = link.due.replace(due) {
                self.agenda.remove(&(earlier, slot));
            }
            self.agenda.insert((due, slot));
        }
    }

    /// Seeks it no more.
    pub(super) fn give_up(&mut self, slot: Slot) -> Option<Link> {
        let link = self.links.remove(&slot)?;
        if let Some(due) = link.due {
            self.agenda.remove(&(due, slot));
        }
        Some(link)
    }

    /// The next one that is due; it is not due again before it is sought again.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Slot> {
        let &(at, slot) = self.agenda.first()?;
        if at > now {
            return None;
        }
        self.agenda.pop_first();
        if let Some(link) = self.links.get_mut(&slot) {
            link.due = None;
        }
        Some(slot)
    }

    /// What is sought with a member.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Link> {
        self.links.get_mut(&slot)
    }

    /// Those that users wait for, and for which no attempt is due.
    pub(super) fn waiting(&self) -> Vec<Slot> {
        let waiting = self
            .links
            .iter()
            .filter(|(_, link)| link.is_wanted && link.due.is_none());
        waiting.map(|(slot, _)| *slot).collect()
    }

    /// What is sought with a member.
    pub(super) fn get(&self, slot: Slot) -> Option<&Link> {
        self.links.get(&slot)
    }

    /// When the next one is due.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.agenda.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const POLICY: BackoffPolicy = BackoffPolicy {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        jitter: false,
    };

    #[test]
    fn the_sooner_of_two_attempts_counts_and_there_is_one() {
        let now = tokio::time::Instant::now().into_std();
        let later = now + Duration::from_secs(1);
        let mut links = LinkTable::default();
        for due in [later, now, later] {
            links.seek(Slot(1), POLICY, due);
        }
        assert_eq!(links.take_due(later), Some(Slot(1)));
        assert_eq!(links.take_due(later), None);
    }

    #[test]
    fn what_was_given_up_is_not_due() {
        let now = tokio::time::Instant::now().into_std();
        let mut links = LinkTable::default();
        links.seek(Slot(1), POLICY, now);
        links.give_up(Slot(1));
        assert_eq!(links.timeout(), None);
        assert!(links.get(Slot(1)).is_none());
    }
}
