//! Pure: the rings, and who observes whom.
//!
//! Each ring holds all members in an order of its own, which everybody computes alike. A node's
//! observers are its next members on the rings, one from each, which is not chosen yet: so they
//! are as many as there are rings, or all others if those are fewer. The idea is that of Rapid
//! (Suresh et al., 2018), whose observers judge by other rules.

use std::cmp::Ordering;

use noex_core::Creation;

/// A place in the table of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(pub u32);

impl Slot {
    /// This node itself, which is not in the table.
    pub(crate) const OWN: Self = Self(u32::MAX);
}

/// A node on the rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub creation: Creation,
    pub slot: Slot,
}

/// The rings.
#[derive(Debug)]
pub(crate) struct Rings {
    rings: Vec<Vec<Spot>>,
}

#[derive(Debug, Clone, Copy)]
struct Spot {
    at: u64,
    slot: Slot,
}

impl Rings {
    /// Nobody is on them.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            rings: vec![Vec::new(); count.max(1)],
        }
    }

    /// Puts a node on all rings, unless it is there.
    pub(crate) fn insert(&mut self, place: Place) {
        for (number, ring) in (0..).zip(&mut self.rings) {
            let at = position(number, place.creation);
            if let Err(index) = ring.binary_search_by(|spot| spot.cmp_to(at, place.slot)) {
                let slot = place.slot;
                ring.insert(index, Spot { at, slot });
            }
        }
    }

    /// Puts nodes on all rings that are not there, for less than one after the other would cost.
    pub(crate) fn extend(&mut self, places: &[Place]) {
        for (number, ring) in (0..).zip(&mut self.rings) {
            ring.extend(places.iter().map(|place| Spot {
                at: position(number, place.creation),
                slot: place.slot,
            }));
            ring.sort_unstable_by_key(|spot| (spot.at, spot.slot));
            ring.dedup_by_key(|spot| (spot.at, spot.slot));
        }
    }

    /// Takes a node off all rings.
    pub(crate) fn remove(&mut self, place: Place) {
        for (number, ring) in (0..).zip(&mut self.rings) {
            let at = position(number, place.creation);
            if let Ok(index) = ring.binary_search_by(|spot| spot.cmp_to(at, place.slot)) {
                ring.remove(index);
            }
        }
    }

    /// The observers of a node, among those that `may` observe.
    pub(crate) fn observers(&self, of: Place, may: impl Fn(Slot) -> bool) -> Vec<Slot> {
        let mut chosen = Vec::with_capacity(self.rings.len());
        for number in 0..self.rings.len() {
            let next = self.after(number, of);
            let is_free = |slot: &Slot| !chosen.contains(slot) && may(*slot);
            chosen.extend(next.into_iter().find(is_free));
        }
        chosen
    }

    /// Those that a node might observe: who comes just before it on the rings.
    pub(crate) fn candidates(&self, of: Place, may: impl Fn(Slot) -> bool) -> Vec<Slot> {
        let mut found: Vec<Slot> = Vec::new();
        for number in 0..self.rings.len() {
            let before = self.before(number, of).filter(|slot| may(*slot));
            found.extend(before.take(self.rings.len()));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The next nodes on the first two rings that `may` be it: they look for one that is down.
    pub(crate) fn searchers(
        &self,
        of: Place,
        may: impl Fn(Slot) -> bool,
    ) -> impl Iterator<Item = Slot> {
        let numbers = 0..self.rings.len().min(2);
        numbers.filter_map(move |number| self.after(number, of).find(|slot| may(*slot)))
    }

    /// All others on a ring, from the next one on.
    fn after(&self, number: usize, of: Place) -> impl Iterator<Item = Slot> + '_ {
        let (ring, index) = self.index(number, of);
        let (before, after) = ring.split_at(index);
        let others = after.iter().chain(before).map(|spot| spot.slot);
        others.filter(move |slot| *slot != of.slot)
    }

    /// All others on a ring, backwards from the one before.
    fn before(&self, number: usize, of: Place) -> impl Iterator<Item = Slot> + '_ {
        let (ring, index) = self.index(number, of);
        let (before, after) = ring.split_at(index);
        let others = before.iter().rev().chain(after.iter().rev());
        others
            .map(|spot| spot.slot)
            .filter(move |slot| *slot != of.slot)
    }

    fn index(&self, number: usize, of: Place) -> (&[Spot], usize) {
        let ring = self.rings.get(number).map_or(&[][..], Vec::as_slice);
        let at = position(number as u64, of.creation);
        (ring, ring.partition_point(|spot| spot.at < at))
    }
}

impl Spot {
    fn cmp_to(self, at: u64, slot: Slot) -> Ordering {
        self.at.cmp(&at).then(self.slot.cmp(&slot))
    }
}

/// Where a life stands on a ring: its creation is random, and mixed with the ring's number by
/// `SplitMix64` (Steele et al., 2014), which never puts two lives on one spot.
fn position(ring: u64, creation: Creation) -> u64 {
    let mixed = mix(creation.bits() ^ mix(ring.wrapping_add(0x9e37_79b9_7f4a_7c15)));
    mix(mixed)
}

/// Spreads the bits of a number over all of it; two numbers never become the same.
pub(crate) const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(index: u32) -> Place {
        let creation = Creation::from_bits(mix(u64::from(index) + 1));
        let slot = Slot(index);
        Place { creation, slot }
    }

    fn rings(members: impl IntoIterator<Item = u32>) -> Rings {
        let mut rings = Rings::new(8);
        for index in members {
            rings.insert(place(index));
        }
        rings
    }

    #[test]
    fn everybody_has_as_many_observers_as_there_are_rings_and_all_are_distinct() {
        let rings = rings(0..100);
        for index in 0..100 {
            let mut observers = rings.observers(place(index), |_| true);
            observers.sort_unstable();
            observers.dedup();
            assert_eq!(observers.len(), 8);
            assert!(!observers.contains(&Slot(index)));
        }
    }

    #[test]
    fn up_to_nine_nodes_observe_each_other() {
        let rings = rings(0..9);
        for index in 0..9 {
            let mut observers = rings.observers(place(index), |_| true);
            observers.sort_unstable();
            let others: Vec<Slot> = (0..9).filter(|o| *o != index).map(Slot).collect();
            assert_eq!(observers, others);
        }
    }

    #[test]
    fn whom_a_node_observes_is_among_its_candidates() {
        let rings = rings(0..200);
        let is_live = |slot: Slot| !slot.0.is_multiple_of(3);
        for index in (0..200).filter(|index| index % 3 != 0) {
            let candidates = rings.candidates(place(index), is_live);
            for other in (0..200).filter(|other| other % 3 != 0) {
                if rings
                    .observers(place(other), is_live)
                    .contains(&Slot(index))
                {
                    assert!(candidates.contains(&Slot(other)));
                }
            }
        }
    }

    #[test]
    fn the_order_of_joining_makes_no_difference() {
        let (forwards, backwards) = (rings(0..50), rings((0..50).rev()));
        for index in 0..50 {
            let observers = |rings: &Rings| rings.observers(place(index), |_| true);
            assert_eq!(observers(&forwards), observers(&backwards));
        }
    }

    #[test]
    fn it_makes_no_difference_whether_many_come_at_once() {
        let (one_by_one, mut at_once) = (rings(0..50), rings(0..20));
        let others: Vec<Place> = (10..50).map(place).collect();
        at_once.extend(&others);
        for index in 0..50 {
            let observers = |rings: &Rings| rings.observers(place(index), |_| true);
            assert_eq!(observers(&one_by_one), observers(&at_once));
        }
    }

    #[test]
    fn who_leaves_the_rings_observes_nobody() {
        let mut rings = rings(0..20);
        rings.remove(place(7));
        rings.remove(place(7));
        for index in (0..20).filter(|index| *index != 7) {
            assert!(!rings.observers(place(index), |_| true).contains(&Slot(7)));
        }
    }
}
