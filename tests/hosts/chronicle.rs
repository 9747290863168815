//! `Chronicle`: what the nodes on all hosts told of each other, and when.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take that should happen soon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the nodes told, in the order in which it was heard.
#[derive(Default)]
pub(crate) struct Chronicle {
    entries: Mutex<Vec<Entry>>,
    is_longer: Condvar,
}

/// The node of one host told something of the node of another one.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    pub(crate) teller: usize,
    pub(crate) of: usize,
    /// `up`, or the reason of a `down`.
    pub(crate) what: String,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.teller, self.of, self.what)
    }
}

impl Chronicle {
    pub(crate) fn add(&self, entry: Entry) {
        self.lock().push(entry);
        self.is_longer.notify_all();
    }

    /// Forgets what a node told: another life of it begins.
    pub(crate) fn begin(&self, teller: usize) {
        self.lock().retain(|entry| entry.teller != teller);
    }

    /// Waits until what was told is as expected, and no longer than it should take.
    ///
    /// # Panics
    /// If it never is.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&[Entry]) -> bool) {
        let is_not = |entries: &mut Vec<Entry>| !is_so(entries);
        let waited = self
            .is_longer
            .wait_timeout_while(self.lock(), PATIENCE, is_not);
        let (entries, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        let told = entries.clone();
        drop(entries);
        assert!(
            !waited.timed_out(),
            "never came true: {what}; told was {told:?}"
        );
    }

    /// Waits this long.
    ///
    /// # Panics
    /// If something is told meanwhile.
    pub(crate) fn wait_in_vain(&self, time: Duration) {
        let told = self.told_within(time);
        assert!(told.is_empty(), "nothing should be told but {told:?}");
    }

    /// Waits until something is told, or for this long; what was told.
    pub(crate) fn told_within(&self, time: Duration) -> Vec<Entry> {
        let entries = self.lock();
        let before = entries.len();
        let is_quiet = |entries: &mut Vec<Entry>| entries.len() == before;
        let waited = self.is_longer.wait_timeout_while(entries, time, is_quiet);
        let (entries, _) = waited.unwrap_or_else(PoisonError::into_inner);
        entries[before..].to_vec()
    }

    /// All that was told since this instant.
    pub(crate) fn since(&self, instant: Instant) -> Vec<Entry> {
        let entries = self.lock();
        let late = entries.iter().filter(|entry| entry.at >= instant);
        late.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
