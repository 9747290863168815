//! Pure: finds calls that wait for each other in a circle.

use std::collections::BTreeMap;

/// A call that waits: a process waits for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge<C> {
    /// Which call it is.
    pub(super) call: C,
    pub(super) caller: usize,
    pub(super) callee: usize,
}

/// The calls of one circle, each made by the process that the one before it waits for. It begins
/// with the least of them, so that the same circle is found to be the same.
pub(super) type Cycle<C> = Vec<Edge<C>>;

/// The circles that `edges` make: at least one for each set of processes that wait for each other.
pub(super) fn find<C: Copy + Ord>(mut edges: Vec<Edge<C>>) -> Vec<Cycle<C>> {
    prune(&mut edges);
    let mut graph: BTreeMap<usize, Vec<Edge<C>>> = BTreeMap::new();
    edges.sort_unstable();
    for edge in edges {
        graph.entry(edge.caller).or_default().push(edge);
    }
    let mut walk = Walk {
        seen: BTreeMap::new(),
        path: Vec::new(),
        cycles: Vec::new(),
    };
    for caller in graph.keys() {
        walk.from(*caller, &graph);
    }
    walk.cycles
}

/// Takes out most calls that can't be part of a circle: nobody waits for most callers.
fn prune<C>(edges: &mut Vec<Edge<C>>) {
    loop {
        let before = edges.len();
        let mut callers: Vec<usize> = edges.iter().map(|edge| edge.caller).collect();
        callers.sort_unstable();
        edges.retain(|edge| callers.binary_search(&edge.callee).is_ok());
        let mut callees: Vec<usize> = edges.iter().map(|edge| edge.callee).collect();
        callees.sort_unstable();
        edges.retain(|edge| callees.binary_search(&edge.caller).is_ok());
        // Half as many are worth another round; what is left is walked.
        if edges.is_empty() || edges.len() > before / 2 {
            return;
        }
    }
}

/// A walk along the calls, in depth first.
struct Walk<C> {
    /// How many calls of a process have been walked along; those that are not here were not met.
    seen: BTreeMap<usize, usize>,
    /// The calls that lead to where the walk is.
    path: Vec<Edge<C>>,
    cycles: Vec<Cycle<C>>,
}

impl<C: Copy + Ord> Walk<C> {
    fn from(&mut self, start: usize, graph: &BTreeMap<usize, Vec<Edge<C>>>) {
        let mut at = start;
        if self.seen.contains_key(&at) {
            return;
        }
        loop {
            let walked = self.seen.entry(at).or_insert(0);
            if let Some(edge) = graph.get(&at).and_then(|edges| edges.get(*walked)) {
                *walked += 1;
                if let Some(first) = self.path.iter().position(|way| way.caller == edge.callee) {
                    self.close(first, *edge);
                } else if edge.callee == edge.caller {
                    self.cycles.push(vec![*edge]);
                } else if !self.seen.contains_key(&edge.callee) {
                    self.path.push(*edge);
                    at = edge.callee;
                }
            } else {
                let Some(back) = self.path.pop() else {
                    return;
                };
                at = back.caller;
            }
        }
    }

    /// `last` leads back to the caller of the call `first` of the path.
    fn close(&mut self, first: usize, last: Edge<C>) {
        let mut cycle: Cycle<C> = self.path.iter().skip(first).copied().collect();
        cycle.push(last);
        let least = (0..cycle.len()).min_by_key(|index| cycle[*index].call);
        cycle.rotate_left(least.unwrap_or(0));
        self.cycles.push(cycle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The calls of the circles that these calls make, by their places.
    fn circles(calls: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let edges = calls.iter().enumerate();
        let edges = edges.map(|(call, (caller, callee))| Edge {
            call,
            caller: *caller,
            callee: *callee,
        });
        let cycles = find(edges.collect());
        let numbers = |cycle: Cycle<usize>| cycle.into_iter().map(|edge| edge.call).collect();
        cycles.into_iter().map(numbers).collect()
    }

    #[test]
    fn calls_that_end_somewhere_are_no_circle() {
        assert!(circles(&[]).is_empty());
        assert!(circles(&[(1, 2)]).is_empty());
        assert!(circles(&[(1, 2), (2, 3), (4, 3), (1, 3), (4, 1)]).is_empty());
    }

    #[test]
    fn two_that_call_each_other_are_a_circle() {
        assert_eq!(circles(&[(1, 2), (2, 1)]), [[0, 1]]);
        assert_eq!(circles(&[(2, 1), (1, 2)]), [[0, 1]]);
    }

    #[test]
    fn one_that_waits_for_itself_is_a_circle() {
        assert_eq!(circles(&[(1, 1)]), [[0]]);
        assert_eq!(circles(&[(2, 1), (1, 1), (1, 3)]), [[1]]);
    }

    #[test]
    fn a_circle_is_found_among_calls_that_lead_to_it_and_away() {
        let calls = [(9, 1), (3, 1), (1, 2), (2, 3), (3, 8), (7, 9), (2, 8)];
        assert_eq!(circles(&calls), [[1, 2, 3]]);
    }

    #[test]
    fn circles_that_share_nothing_are_all_found() {
        assert_eq!(circles(&[(1, 2), (2, 1), (3, 4), (4, 3)]), [[0, 1], [2, 3]]);
    }

    #[test]
    fn a_circle_behind_another_call_of_the_same_process_is_found() {
        // 1 waits for 2 and 3 at once.
        assert_eq!(circles(&[(1, 2), (1, 3), (3, 1), (2, 5), (5, 6)]), [[1, 2]]);
        assert_eq!(circles(&[(1, 2), (1, 3), (3, 1), (2, 1)]), [[0, 3], [1, 2]]);
    }

    #[test]
    fn every_set_of_processes_that_wait_for_each_other_has_a_circle() {
        // All graphs of three processes and four calls, against a search for a way back.
        let pairs: Vec<(usize, usize)> = (1..=3)
            .flat_map(|caller| (1..=3).map(move |callee| (caller, callee)))
            .collect();
        for number in 0..pairs.len().pow(4) {
            let calls: Vec<_> = (0..4)
                .map(|place| pairs[number / pairs.len().pow(place) % pairs.len()])
                .collect();
            let found = circles(&calls);
            let has_way_back = calls.iter().any(|(from, to)| reaches(&calls, *to, *from));
            assert_eq!(found.is_empty(), !has_way_back, "{calls:?}: {found:?}");
            for circle in found {
                let next = circle.iter().cycle().skip(1);
                let joined = circle.iter().zip(next);
                assert!(
                    joined
                        .clone()
                        .all(|(one, next)| calls[*one].1 == calls[*next].0),
                    "{calls:?}: {circle:?}"
                );
            }
        }
    }

    fn reaches(calls: &[(usize, usize)], from: usize, to: usize) -> bool {
        let mut reached = vec![from];
        for _ in 0..calls.len() {
            for (caller, callee) in calls {
                if reached.contains(caller) && !reached.contains(callee) {
                    reached.push(*callee);
                }
            }
        }
        reached.contains(&to)
    }
}
