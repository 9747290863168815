//! Pure: how many monitors and links each other node may have set here.

use std::collections::BTreeMap;

use crate::id::Creation;

/// The most that the processes of one other node have set: beyond it, further ones are refused.
const LIMIT: usize = 1 << 20;

/// How many are refused before those that are left are counted again.
const REFUSALS: usize = 1_024;

/// How many monitors and links each other node may have set here.
///
/// Those that end are not taken off, since most peers never come near the limit: what is left is
/// counted when all room is used up. So a node can have set a sixteenth more than the limit.
#[derive(Debug)]
pub(super) struct Burdens {
    limit: usize,
    nodes: BTreeMap<Creation, Burden>,
}

#[derive(Debug)]
struct Burden {
    /// How many more are admitted before a count.
    room: usize,
    /// How many more are refused before a count.
    refusals: usize,
}

/// What becomes of a monitor or a link that another node sets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    /// There are too many, as before.
    Refused,
    /// There are too many, as was found just now.
    Full {
        limit: usize,
    },
}

impl Default for Burdens {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

impl Burdens {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            nodes: BTreeMap::new(),
        }
    }

    /// The node `from` sets another one; `count` tells how many it has set.
    pub(super) fn admit(&mut self, from: Creation, count: impl FnOnce() -> usize) -> Admission {
        let limit = self.limit;
        let burden = self.nodes.entry(from).or_insert(Burden {
            room: limit,
            refusals: 0,
        });
        if burden.room == 0 && burden.refusals > 0 {
            burden.refusals -= 1;
            return Admission::Refused;
        }
        if burden.room == 0 {
            let held = count();
            if held >= limit {
                burden.refusals = REFUSALS;
                return Admission::Full { limit };
            }
            burden.room = (limit - held).max(limit / 16).max(1);
        }
        burden.room -= 1;
        Admission::Admitted
    }

    /// All that the node had set is gone.
    pub(super) fn forget(&mut self, node: Creation) {
        self.nodes.remove(&node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u64) -> Creation {
        Creation::from_bits(number)
    }

    #[test]
    fn each_node_has_so_much_room_and_what_is_left_is_counted_when_it_is_used_up() {
        let mut burdens = Burdens::new(32);
        let uncounted = || panic!("there is room");
        for _ in 0..32 {
            assert_eq!(burdens.admit(node(1), uncounted), Admission::Admitted);
            assert_eq!(burdens.admit(node(2), uncounted), Admission::Admitted);
        }
        // Ten have ended, so that there is room for as many.
        assert_eq!(burdens.admit(node(1), || 22), Admission::Admitted);
        for _ in 1..10 {
            assert_eq!(burdens.admit(node(1), uncounted), Admission::Admitted);
        }
        // Few have: a count is worth two.
        assert_eq!(burdens.admit(node(1), || 31), Admission::Admitted);
        assert_eq!(burdens.admit(node(1), uncounted), Admission::Admitted);
        let full = Admission::Full { limit: 32 };
        assert_eq!(burdens.admit(node(1), || 33), full);
        // The other one's are its own, and whoever comes anew has room.
        assert_eq!(burdens.admit(node(2), || 5), Admission::Admitted);
        burdens.forget(node(1));
        assert_eq!(burdens.admit(node(1), uncounted), Admission::Admitted);
    }

    #[test]
    fn who_goes_on_without_room_is_refused_without_a_count_for_a_while() {
        let mut burdens = Burdens::new(1);
        assert_eq!(burdens.admit(node(1), || 0), Admission::Admitted);
        for _ in 0..3 {
            let full = Admission::Full { limit: 1 };
            assert_eq!(burdens.admit(node(1), || 1), full);
            for _ in 0..REFUSALS {
                let refused = burdens.admit(node(1), || panic!("it was counted just now"));
                assert_eq!(refused, Admission::Refused);
            }
        }
        assert_eq!(burdens.admit(node(1), || 0), Admission::Admitted);
    }
}
