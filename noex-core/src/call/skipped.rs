//! Calls that were not handled, since nobody waited for them any more.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::node::LocalNode;
use crate::process::Process;

/// Why a call is not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller waits, or does not for these reasons"
)]
pub enum Unwanted {
    /// Its caller has waited long enough.
    Expired,
    /// Its caller gave it up.
    Cancelled,
}

/// How many calls were not handled, since nobody waited for them any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SkippedCalls {
    /// Their callers had waited long enough.
    pub expired: u64,
    /// Their callers gave them up.
    pub cancelled: u64,
}

impl SkippedCalls {
    pub(crate) const fn count(&mut self, why: Unwanted) {
        match why {
            Unwanted::Expired => self.expired += 1,
            Unwanted::Cancelled => self.cancelled += 1,
        }
    }
}

/// Those of all processes of a node.
#[derive(Debug, Default)]
pub(crate) struct SkipCounters {
    expired: AtomicU64,
    cancelled: AtomicU64,
}

impl SkipCounters {
    fn count(&self, why: Unwanted) {
        let counter = match why {
            Unwanted::Expired => &self.expired,
            Unwanted::Cancelled => &self.cancelled,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> SkippedCalls {
        SkippedCalls {
            expired: self.expired.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
        }
    }
}

impl LocalNode {
    /// How many calls its processes did not handle, since nobody waited for them any more. Many
    /// that are expired mean that servers do not keep up with their callers.
    #[must_use]
    pub fn skipped_calls(&self) -> SkippedCalls {
        self.skip_counters().read()
    }
}

impl<M: Send + 'static> Process<M> {
    /// The process took a call, and does not handle it.
    #[cold]
    pub fn count_skipped(&self, why: Unwanted) {
        self.node().skip_counters().count(why);
        self.mailbox().count_skipped(why);
    }
}
