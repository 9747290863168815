//! Pure: `Guests`, the connections that have not proved who they are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::network::Network;

/// The most connections that have not proved who they are. Each costs a socket and 2 KiB.
pub(crate) const GUESTS_MAX: usize = 256;

/// Names one of them; a later one has a greater number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GuestId(u64);

/// The connections that have not proved who they are.
///
/// There is always room for one more: the oldest one of the network that has the most makes room.
/// So a network that floods the node displaces itself, and who is quick is not displaced at all.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    by_network: BTreeMap<Network, BTreeSet<GuestId>>,
    count: usize,
    last: u64,
}

impl Guests {
    /// One more from this network, and the one that has to go for it.
    pub(crate) fn admit(&mut self, network: Network) -> (GuestId, Option<GuestId>) {
        self.last += 1;
        let guest = GuestId(self.last);
        self.by_network.entry(network).or_default().insert(guest);
        self.count += 1;
        let displaced = (self.count > GUESTS_MAX).then(|| self.displace());
        (guest, displaced.flatten())
    }

    /// It has proved who it is, or is gone. Nothing happens if it was displaced.
    pub(crate) fn leave(&mut self, network: Network, guest: GuestId) {
        let Some(guests) = self.by_network.get_mut(&network) else {
            return;
        };
        if guests.remove(&guest) {
            self.count -= 1;
        }
        if guests.is_empty() {
            self.by_network.remove(&network);
        }
    }

    fn displace(&mut self) -> Option<GuestId> {
        let most_and_oldest = |(_, guests): &(&Network, &BTreeSet<GuestId>)| {
            (guests.len(), Reverse(guests.first().copied()))
        };
        let (&network, guests) = self.by_network.iter().max_by_key(most_and_oldest)?;
        let oldest = *guests.first()?;
        self.leave(network, oldest);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(number: u8) -> Network {
        IpAddr::from([10, 0, 0, number]).into()
    }

    #[test]
    fn who_floods_the_node_displaces_itself() {
        let (flood, quiet) = (network(1), network(2));
        let mut guests = Guests::default();
        let (first, none) = guests.admit(quiet);
        assert_eq!(none, None);
        let flooding: Vec<GuestId> = (1..GUESTS_MAX).map(|_| guests.admit(flood).0).collect();
        for oldest in &flooding {
            assert_eq!(guests.admit(flood).1, Some(*oldest));
        }
        assert_eq!(guests.count, GUESTS_MAX);
        guests.leave(quiet, first);
        assert_eq!(guests.admit(quiet).1, None);
    }

    #[test]
    fn networks_that_fill_the_node_together_still_leave_room_for_another() {
        let mut guests = Guests::default();
        for number in 0..u8::MAX {
            guests.admit(network(number));
            guests.admit(network(number % 8));
        }
        assert_eq!(guests.count, GUESTS_MAX);
        let (late, displaced) = guests.admit(network(u8::MAX));
        assert!(displaced.is_some_and(|displaced| displaced < late));
        let of_late = guests.by_network.get(&network(u8::MAX)).unwrap();
        assert_eq!(of_late.len(), 1);
    }

    #[test]
    fn among_equals_the_oldest_makes_room() {
        let mut guests = Guests::default();
        for low in 0..=u16::try_from(GUESTS_MAX).unwrap() {
            let [high, low] = low.to_be_bytes();
            let network = IpAddr::from([10, 1, high, low]).into();
            let displaced = guests.admit(network).1;
            let is_full = usize::from(u16::from_be_bytes([high, low])) == GUESTS_MAX;
            assert_eq!(displaced, is_full.then_some(GuestId(1)));
        }
    }

    #[test]
    fn a_network_that_has_left_is_not_remembered() {
        let mut guests = Guests::default();
        let (guest, _) = guests.admit(network(1));
        for _twice in 0..2 {
            guests.leave(network(1), guest);
            assert_eq!((guests.count, guests.by_network.len()), (0, 0));
        }
    }
}
