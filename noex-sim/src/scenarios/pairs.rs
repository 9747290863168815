//! Some pairs of nodes can't reach each other, or one of them can't reach the other, while all
//! others can: that takes nobody down.

use std::collections::BTreeSet;

use rand::RngExt;

use super::outcome::Outcome;
use super::scenario::Run;
use crate::world::World;

/// How many pairs there are.
const PAIRS: usize = 5;

/// What is cut between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// One direction.
    One,
    /// Both.
    Both,
}

pub(super) fn run(run: &Run, direction: Direction) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.truth.is_bearable = true;
    let mut pairs = BTreeSet::new();
    while pairs.len() < PAIRS {
        let a = world.rng().random_range(0..run.size);
        // Of a pair that is no pair of neighbours nobody would notice a thing.
        let neighbours = world.neighbours(a);
        let b = neighbours[world.rng().random_range(0..neighbours.len())];
        pairs.insert((a.min(b), a.max(b)));
    }
    for (a, b) in pairs {
        world.cut(a, b);
        if direction == Direction::Both {
            world.cut(b, a);
        }
    }
    world.run_for(run.length);
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
