//! Users want sessions, now here, now there, and those that nobody uses rest: without a fault, no
//! session is lost, and none stays that nobody needs.

use std::time::Duration;

use rand::RngExt;

use super::outcome::{Outcome, count_of};
use super::scenario::Run;
use crate::world::World;

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.truth.is_bearable = true;
    let end = world.now + run.length;
    while world.now < end {
        let user = world.rng().random_range(0..run.size);
        world.use_sessions(user);
        // Shorter than a dial takes, and longer.
        let pause = Duration::from_micros(world.rng().random_range(100..100_000));
        world.run_for(pause);
        let rested = world.rng().random_range(0..run.size);
        world.rest_sessions(rested);
    }
    // Those that were opened last carry news for a while.
    world.run_for(Duration::from_secs(15));
    for host in 0..run.size {
        world.rest_sessions(host);
    }
    world.run_for(Duration::from_secs(5));
    let left = (0..run.size).map(|host| world.spare_sessions(host).len());
    outcome.add("left", count_of(left.sum()));
    outcome.add("lost", count_of(world.lost));
    outcome.add("rested", count_of(world.rested));
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
