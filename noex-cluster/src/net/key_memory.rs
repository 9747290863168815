//! `KeyMemory`: which key of the keyring worked with which address.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use parking_lot::Mutex;

/// The most addresses that are remembered; an unknown one is tried with the current key first.
const ADDRESSES_MAX: usize = 4_096;

/// Which key of the keyring worked with which address, while secrets are rotated.
#[derive(Debug, Default)]
pub(super) struct KeyMemory {
    worked: Mutex<BTreeMap<SocketAddr, usize>>,
}

impl KeyMemory {
    /// The keys to try with this address, by index.
    pub(super) fn order(&self, address: SocketAddr, count: usize) -> Vec<usize> {
        let first = self.worked.lock().get(&address).copied();
        let first = first.filter(|index| *index < count);
        first
            .into_iter()
            .chain((0..count).filter(|index| Some(*index) != first))
            .collect()
    }

    /// The key worked. Only what differs from the usual order is remembered.
    pub(super) fn worked(&self, address: SocketAddr, index: usize) {
        let mut worked = self.worked.lock();
        if index == 0 {
            worked.remove(&address);
        } else if worked.len() < ADDRESSES_MAX {
            worked.insert(address, index);
        }
    }
}
