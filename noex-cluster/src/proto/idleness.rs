//! Pure: which sessions nobody has used for long.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The most that passes between two looks.
const LOOK_INTERVAL_MAX: Duration = Duration::from_mins(1);

/// Which sessions nobody has used for long.
#[derive(Debug)]
pub(crate) struct Idleness<Session> {
    patience: Duration,
    look_at: Instant,
    /// How often each was used, as it was seen, and since when it is so many times.
    seen: BTreeMap<Session, (u64, Instant)>,
}

impl<Session: Copy + Ord> Idleness<Session> {
    /// A session is idle when it was not used for `patience`.
    pub(crate) fn new(patience: Duration, now: Instant) -> Self {
        Self {
            patience,
            look_at: now,
            seen: BTreeMap::new(),
        }
    }

    /// When to look again.
    pub(crate) const fn timeout(&self) -> Instant {
        self.look_at
    }

    /// Takes in all sessions, and how often each was used. Those that are idle: they are named
    /// again each time until they are used or gone.
    pub(crate) fn look(
        &mut self,
        sessions: impl Iterator<Item = (Session, u64)>,
        now: Instant,
    ) -> Vec<Session> {
        self.look_at = now + (self.patience / 4).min(LOOK_INTERVAL_MAX);
        let former = std::mem::take(&mut self.seen);
        self.seen = sessions
            .map(|(session, uses)| {
                let same = former.get(&session).filter(|(before, _)| *before == uses);
                (session, same.copied().unwrap_or((uses, now)))
            })
            .collect();
        let is_idle = |since: Instant| now.saturating_duration_since(since) >= self.patience;
        let idle = self.seen.iter().filter(|(_, (_, since))| is_idle(*since));
        idle.map(|(session, _)| *session).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(300);

    /// The second of a look, and how often each session was used by then.
    type Look<'a> = (u64, &'a [(u8, u64)]);

    /// What is idle after these looks.
    fn idle_after(looks: &[Look<'_>]) -> Vec<u8> {
        let began = tokio::time::Instant::now().into_std();
        let mut idleness = Idleness::new(PATIENCE, began);
        let mut idle = Vec::new();
        for (at, sessions) in looks {
            let now = began + Duration::from_secs(*at);
            idle = idleness.look(sessions.iter().copied(), now);
        }
        idle
    }

    #[test]
    fn a_session_is_idle_when_it_was_not_used_for_so_long() {
        let table: &[(&[Look<'_>], &[u8])] = &[
            // Unused since it was seen first.
            (&[(0, &[(1, 7)]), (299, &[(1, 7)])], &[]),
            (&[(0, &[(1, 7)]), (300, &[(1, 7)])], &[1]),
            // Used in between: from then on.
            (&[(0, &[(1, 7)]), (200, &[(1, 8)]), (300, &[(1, 8)])], &[]),
            (&[(0, &[(1, 7)]), (200, &[(1, 8)]), (500, &[(1, 8)])], &[1]),
            // Each by itself, and again as long as it is idle.
            (&[(0, &[(1, 7), (2, 0)]), (300, &[(1, 7), (2, 1)])], &[1]),
            (&[(0, &[(1, 7)]), (300, &[(1, 7)]), (301, &[(1, 7)])], &[1]),
            // One that is gone is forgotten.
            (&[(0, &[(1, 7)]), (200, &[]), (300, &[(1, 7)])], &[]),
        ];
        for (looks, idle) in table {
            assert_eq!(idle_after(looks), *idle, "{looks:?}");
        }
    }

    #[test]
    fn looks_are_a_quarter_of_the_patience_apart_and_a_minute_at_most() {
        let now = tokio::time::Instant::now().into_std();
        for (patience, interval) in [(40, 10), (240, 60), (3_000, 60)] {
            let mut idleness = Idleness::<u8>::new(Duration::from_secs(patience), now);
            assert_eq!(idleness.timeout(), now);
            idleness.look(std::iter::empty(), now);
            assert_eq!(idleness.timeout(), now + Duration::from_secs(interval));
        }
    }
}
