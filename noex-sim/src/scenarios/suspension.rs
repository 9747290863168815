//! The whole cluster is suspended, as one machine with all of it on is, and goes on node by node:
//! nobody takes the common pause for the silence of others.

use std::time::Duration;

use super::outcome::Outcome;
use super::scenario::Run;
use crate::world::World;

/// How long the cluster stands still.
const LENGTH: Duration = Duration::from_secs(20);

/// Over how long the nodes go on: less than what makes a node ask for another.
const WAKING: Duration = Duration::from_secs(3);

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.truth.is_bearable = true;
    for host in 0..run.size {
        world.pause(host);
    }
    world.run_for(LENGTH);
    let gap = WAKING / u32::try_from(run.size).unwrap_or(u32::MAX);
    for host in 0..run.size {
        world.resume(host);
        world.run_for(gap);
    }
    world.run_for(Duration::from_secs(10));
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
