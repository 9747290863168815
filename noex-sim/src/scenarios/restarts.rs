//! One node after the other leaves and starts anew under its name, as in an upgrade.

use std::time::Duration;

use super::outcome::{Outcome, seconds};
use super::scenario::Run;
use crate::world::World;

/// How long a process takes to start.
const START: Duration = Duration::from_millis(500);

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    for host in 0..run.size.min(100) {
        world.leave(host);
        world.run_for(START);
        world.finish(host);
        let seeds: Vec<usize> = (1..=3).map(|next| (host + next) % run.size).collect();
        world.start(host, &seeds);
        let joined = world.run_until_one_view(Duration::from_secs(10));
        outcome.add("one view", joined.map_or(f64::INFINITY, seconds));
        world.run_for(Duration::from_secs(2));
    }
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
