//! `Watch`: looks at the calls of a node that wait, and acts on what its detector believes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::cycles::{Cycle, Edge};
use super::deadlocks::{Deadlock, Stuck};
use super::detector::Detector;
use crate::call::cell::{Generation, ReplyCell};
use crate::call::parties::Parties;
use crate::call::pool;
use crate::node::{LocalNode, WeakNode};

/// How often it is tried to fail a call whose caller changes its waker at that moment.
const TRIES: usize = 64;

/// Looks at the calls of one node.
#[derive(Debug)]
pub(in crate::call) struct Watch {
    node: WeakNode,
    detector: Detector<Waiting>,
}

/// One call, as it was seen.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    cell: &'static ReplyCell,
    generation: Generation,
    parties: Parties,
}

impl Watch {
    pub(in crate::call) const fn new(node: WeakNode) -> Self {
        Self {
            node,
            detector: Detector::new(),
        }
    }

    /// Calls began, or time went by. When it is to be called again, if no calls begin.
    pub(in crate::call) fn look(&mut self, owner: u32, began: bool) -> Option<Instant> {
        let now = Instant::now();
        if began {
            self.detector.handle_calls(now.into_std());
        }
        if self
            .detector
            .poll_timeout()
            .is_some_and(|at| at <= now.into_std())
        {
            let edges = edges_of(owner);
            let took = now.elapsed();
            let deadlocks = self.detector.handle_edges(edges, now.into_std(), took);
            if !deadlocks.is_empty()
                && let Some(node) = self.node.upgrade()
            {
                act(&node, &deadlocks);
            }
        }
        self.detector.poll_timeout().map(Instant::from_std)
    }
}

/// The calls of processes of the node `owner` that wait for others of it.
fn edges_of(owner: u32) -> Vec<Edge<Waiting>> {
    let mut edges = Vec::new();
    pool::for_each(|_chunk, cells| {
        edges.extend(cells.iter().filter_map(|cell| edge_of(cell, owner)));
    });
    edges
}

fn edge_of(cell: &'static ReplyCell, owner: u32) -> Option<Edge<Waiting>> {
    let generation = cell.waiting()?;
    let parties = cell.parties().get();
    let is_own = cell.terms().is_of(owner);
    // What was read is of this call only if it still waits.
    let is_edge = is_own && parties.is_edge() && cell.waiting() == Some(generation);
    is_edge.then(|| Edge {
        call: Waiting {
            cell,
            generation,
            parties,
        },
        caller: parties.caller(),
        callee: parties.callee(),
    })
}

fn act(node: &LocalNode, deadlocks: &[Cycle<Waiting>]) {
    let mut stuck: BTreeMap<usize, Stuck> = BTreeMap::new();
    let callers = deadlocks.iter().flatten().map(|edge| edge.caller);
    let wanted: Vec<usize> = callers.collect();
    for pid in node.processes() {
        let Some(process) = node.process(pid) else {
            continue;
        };
        let address = Arc::as_ptr(&process).cast::<()>().addr();
        if wanted.contains(&address) {
            let names = process.relations().lock().relatives().names;
            stuck.insert(address, Stuck::new(pid, names));
        }
    }
    for cycle in deadlocks {
        let chain = cycle.iter().map(|edge| stuck.get(&edge.caller).cloned());
        // One that has ended meanwhile has ended its call as well.
        let Some(chain) = chain.collect::<Option<Vec<_>>>() else {
            continue;
        };
        let deadlock = Deadlock::new(chain);
        tracing::warn!(chain = %deadlock, "calls wait for each other and can't be answered");
        node.deadlock_news().publish(deadlock);
        fail(node, cycle);
    }
}

/// Fails a call of a circle that asked for it, or else any one if the node does: that frees all.
fn fail(node: &LocalNode, cycle: &Cycle<Waiting>) {
    let asked = cycle.iter().find(|edge| edge.call.parties.is_to_fail());
    let of_node = || cycle.first().filter(|_| node.deadlock_news().fails_calls());
    if let Some(edge) = asked.or_else(of_node) {
        edge.call.fail();
    }
}

impl Waiting {
    fn fail(&self) {
        let is_same = self.cell.waiting() == Some(self.generation);
        if !is_same || !self.cell.parties().condemn(self.parties) {
            return;
        }
        let mut tries = 0..TRIES;
        while tries.next().is_some() && self.cell.waiting() == Some(self.generation) {
            if let Some(caller) = self.cell.expire(self.generation) {
                caller.wake();
                return;
            }
        }
        // It was answered meanwhile.
        self.cell.parties().acquit(self.parties);
    }

    fn key(&self) -> (usize, u64) {
        (
            std::ptr::from_ref(self.cell).addr(),
            self.generation.number(),
        )
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
