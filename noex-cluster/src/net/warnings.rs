//! `Warnings`: which addresses the operator was warned about of late.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// An address is worth one warning in this time.
const QUIET_TIME: Duration = Duration::from_mins(1);

/// The most addresses that are remembered; a scan from more of them is not warned about further.
const ADDRESSES_MAX: usize = 1_024;

/// Which addresses the operator was warned about of late, so that nobody can fill the log.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    told: Mutex<BTreeMap<IpAddr, Instant>>,
}

impl Warnings {
    /// Whether a warning about this address is due; it counts as given then.
    pub(super) fn is_due(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock();
        if told
            .get(&address)
            .is_some_and(|at| now.duration_since(*at) < QUIET_TIME)
        {
            return false;
        }
        if told.len() >= ADDRESSES_MAX {
            told.retain(|_, at| now.duration_since(*at) < QUIET_TIME);
        }
        if told.len() >= ADDRESSES_MAX {
            return false;
        }
        told.insert(address, now);
        true
    }
}
