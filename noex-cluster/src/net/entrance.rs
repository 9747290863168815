//! `Entrance`: how many strangers may be heard at a time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// The most connections that have not proved who they are.
const GUESTS_MAX: usize = 256;

/// The most of them from one address, this machine's own excepted. As many nodes of one machine
/// may dial at once: one that is turned away takes this node for dead.
const GUESTS_PER_ADDRESS_MAX: usize = 64;

/// Counts the connections that have not proved who they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Entrance(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// One connection that has not proved who it is. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Guest {
    entrance: Entrance,
    address: IpAddr,
}

impl Entrance {
    /// Lets one more in, if there is room.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Guest> {
        let address = address.to_canonical();
        let limit = if address.is_loopback() {
            GUESTS_MAX
        } else {
            GUESTS_PER_ADDRESS_MAX
        };
        let mut counts = self.0.lock();
        let of_address = counts.by_address.get(&address).copied().unwrap_or(0);
        if counts.all >= GUESTS_MAX || of_address >= limit {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, of_address + 1);
        drop(counts);
        Some(Guest {
            entrance: self.clone(),
            address,
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.entrance.0.lock();
        counts.all -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_can_t_take_all_the_room() {
        let entrance = Entrance::default();
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let guests: Vec<Guest> = std::iter::from_fn(|| entrance.admit(one)).collect();
        assert_eq!(guests.len(), GUESTS_PER_ADDRESS_MAX);
        assert!(entrance.admit(other).is_some());
        drop(guests);
        assert!(entrance.admit(one).is_some());
    }

    #[test]
    fn this_machine_may_take_all_the_room() {
        let entrance = Entrance::default();
        let here = [127, 0, 0, 1].into();
        let guests: Vec<Guest> = std::iter::from_fn(|| entrance.admit(here)).collect();
        assert_eq!(guests.len(), GUESTS_MAX);
    }
}
