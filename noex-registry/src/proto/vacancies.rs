//! Pure: the names that are between two holders, of which the first one's node is stopping.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long somebody new is waited for when the node that had the name is gone: as long as a call
/// waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// The names that are between two holders.
#[derive(Debug, Default)]
pub(crate) struct Vacancies(BTreeMap<Arc<str>, Since>);

/// For how long a name is awaited.
#[derive(Debug)]
enum Since {
    /// As long as the former holder's node drains.
    Draining,
    /// The former holder is gone, since just now.
    Gone,
    /// The former holder is gone: until then.
    Until(Instant),
}

impl Vacancies {
    /// The name is that of a process whose node is stopping. Tells whether that is new.
    pub(crate) fn drains(&mut self, name: &Arc<str>) -> bool {
        let before = self.0.insert(Arc::clone(name), Since::Draining);
        before.is_none()
    }

    /// Nobody holds the name any more.
    pub(crate) fn gone(&mut self, name: &str) {
        if let Some(since) = self.0.get_mut(name)
            && matches!(since, Since::Draining)
        {
            *since = Since::Gone;
        }
    }

    /// Somebody holds the name. Tells whether it was awaited.
    pub(crate) fn found(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// What is gone is so since `now`.
    pub(crate) fn begin(&mut self, now: Instant) {
        let gone = self.0.values_mut();
        for since in gone.filter(|since| matches!(since, Since::Gone)) {
            *since = Since::Until(now + PATIENCE);
        }
    }

    /// The names that were awaited for long enough.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Arc<str>> {
        let is_due = |since: &Since| matches!(since, Since::Until(deadline) if *deadline <= now);
        let due = self.0.extract_if(.., |_, since| is_due(since));
        due.map(|(name, _)| name).collect()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let deadlines = self.0.values().filter_map(|since| match since {
            Since::Until(deadline) => Some(*deadline),
            Since::Draining | Since::Gone => None,
        });
        deadlines.min()
    }
}
