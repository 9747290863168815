//! `Warnings`: whom the operator was warned about of late.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Somebody is worth one warning in this time.
const QUIET_TIME: Duration = Duration::from_mins(1);

/// The most that are remembered; a scan from more of them is not warned about further.
const REMEMBERED_MAX: usize = 1_024;

/// Whom the operator was warned about of late, so that nobody can fill the log.
#[derive(Debug)]
pub(super) struct Warnings<Whom> {
    told: Mutex<BTreeMap<Whom, Instant>>,
}

impl<Whom> Default for Warnings<Whom> {
    fn default() -> Self {
        Self {
            told: Mutex::default(),
        }
    }
}

impl<Whom: Ord> Warnings<Whom> {
    /// Whether a warning about them is due; it counts as given then.
    pub(super) fn is_due(&self, whom: Whom) -> bool {
        let now = Instant::now();
        let is_recent = |at: &Instant| now.duration_since(*at) < QUIET_TIME;
        let mut told = self.told.lock();
        if told.get(&whom).is_some_and(is_recent) {
            return false;
        }
        if told.len() >= REMEMBERED_MAX {
            told.retain(|_, at| is_recent(at));
        }
        if told.len() >= REMEMBERED_MAX {
            return false;
        }
        told.insert(whom, now);
        true
    }

    /// The warning that was due was not given after all.
    pub(super) fn take_back(&self, whom: &Whom) {
        self.told.lock().remove(whom);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_warning_a_minute_is_due_unless_it_is_taken_back() {
        let warnings = Warnings::default();
        assert!(warnings.is_due(1) && !warnings.is_due(1) && warnings.is_due(2));
        advance(QUIET_TIME).await;
        assert!(warnings.is_due(1) && !warnings.is_due(1));
        warnings.take_back(&1);
        assert!(warnings.is_due(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_scan_from_everywhere_is_warned_about_so_many_times() {
        let warnings = Warnings::default();
        let given = (0..2 * REMEMBERED_MAX).filter(|whom| warnings.is_due(*whom));
        assert_eq!(given.count(), REMEMBERED_MAX);
        advance(QUIET_TIME).await;
        assert!(warnings.is_due(2 * REMEMBERED_MAX));
    }
}
