//! Pure: `Custody`, which node holds the handle of a call, and who may answer it.
//!
//! A handle goes from node to node, and each that passes it on says so to the caller's node. What
//! two nodes say can arrive in any order, so what comes from a node that is not known to have held
//! the handle waits until another one says that it passed it there. A node that never held it
//! can't answer the call.

use bytes::Bytes;

use super::CallError;
use crate::id::Creation;

/// The most that waits for one call. A handle that is passed on fast has few on their way.
const EARLY_MAX: usize = 8;

/// What a node says of the handle of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It passed the handle on to this node.
    Moved(Creation),
    /// It answered the call.
    Answered(Answer),
}

/// How a call was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Reply(Bytes),
    Failed(CallError),
}

/// Which node holds the handle of a call, and which did before.
#[derive(Debug)]
pub(crate) struct Custody {
    /// The caller's node, which held it first.
    origin: Creation,
    holder: Creation,
    former: Vec<Creation>,
    early: Vec<(Creation, Step)>,
}

impl Custody {
    /// The handle leaves its node `origin` for the node `holder`.
    pub(crate) const fn new(origin: Creation, holder: Creation) -> Self {
        Self {
            origin,
            holder,
            former: Vec::new(),
            early: Vec::new(),
        }
    }

    /// Takes in what `from` says. The answer, once there is one that counts.
    pub(crate) fn take(&mut self, from: Creation, step: Step) -> Option<Answer> {
        if self.early.len() < EARLY_MAX || self.counts(from, &step) {
            self.early.push((from, step));
        }
        loop {
            let mut early = self.early.iter();
            let next = early.position(|(from, step)| self.counts(*from, step))?;
            match self.early.remove(next).1 {
                Step::Moved(to) => self.pass_on(to),
                Step::Answered(answer) => return Some(answer),
            }
        }
    }

    /// Whether the handle went on from the node that it was sent to first.
    pub(crate) const fn has_moved(&self) -> bool {
        !self.former.is_empty()
    }

    /// The node that holds the handle.
    pub(crate) const fn holder(&self) -> Creation {
        self.holder
    }

    fn pass_on(&mut self, to: Creation) {
        if !self.former.contains(&self.holder) {
            self.former.push(self.holder);
        }
        self.holder = to;
    }

    /// Only who holds the handle can pass it on. Who passed it on may find that it did not get
    /// there, and fail the call.
    fn counts(&self, from: Creation, step: &Step) -> bool {
        match step {
            Step::Moved(_) => from == self.holder,
            Step::Answered(_) => {
                from == self.origin || from == self.holder || self.former.contains(&from)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u64) -> Creation {
        Creation::from_bits(number)
    }

    fn moved(to: u64) -> Step {
        Step::Moved(node(to))
    }

    fn reply() -> Step {
        Step::Answered(Answer::Reply(Bytes::from_static(b"yes")))
    }

    fn is_answered(steps: impl IntoIterator<Item = (u64, Step)>) -> bool {
        let mut custody = Custody::new(node(1), node(2));
        let mut steps = steps.into_iter();
        steps.any(|(from, step)| custody.take(node(from), step).is_some())
    }

    #[test]
    fn the_holder_the_former_ones_and_the_caller_s_node_may_answer() {
        assert!(is_answered([(2, reply())]));
        assert!(is_answered([(1, reply())]));
        assert!(is_answered([(2, moved(3)), (3, reply())]));
        assert!(is_answered([(2, moved(3)), (2, reply())]));
    }

    #[test]
    fn who_never_held_the_handle_can_neither_answer_nor_move_it() {
        assert!(!is_answered([(3, reply())]));
        assert!(!is_answered([(3, moved(3)), (3, reply())]));
        let mut custody = Custody::new(node(1), node(2));
        assert_eq!(custody.take(node(3), moved(3)), None);
        assert_eq!(custody.holder(), node(2));
    }

    #[test]
    fn what_arrives_before_the_handle_s_way_is_known_counts_afterwards() {
        assert!(is_answered([(3, reply()), (2, moved(3))]));
        assert!(is_answered([(4, reply()), (3, moved(4)), (2, moved(3))]));
        let mut custody = Custody::new(node(1), node(2));
        let way = [(2, moved(3)), (2, moved(4)), (3, moved(2))];
        for (from, step) in way {
            assert_eq!(custody.take(node(from), step), None);
        }
        assert_eq!(custody.holder(), node(4));
    }

    #[test]
    fn what_waits_is_bounded_and_does_not_keep_the_holder_from_answering() {
        let mut custody = Custody::new(node(1), node(2));
        for stranger in 10..100 {
            assert_eq!(custody.take(node(stranger), reply()), None);
        }
        assert_eq!(custody.early.len(), EARLY_MAX);
        assert!(custody.take(node(2), reply()).is_some());
    }
}
