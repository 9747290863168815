//! All nodes start within a few seconds, and know three seeds.

use std::time::Duration;

use super::outcome::{Outcome, count_of, seconds};
use super::scenario::Run;
use crate::world::World;

/// Over how long the nodes start.
const SPREAD: Duration = Duration::from_secs(5);

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::new(run.rules(), run.seed);
    let begin = world.now;
    let gap = SPREAD.div_f64(count_of(run.size));
    for host in 0..run.size {
        let seeds: Vec<usize> = (0..3.min(run.size)).filter(|seed| *seed != host).collect();
        world.start(host, &seeds);
        world.run_for(gap);
    }
    let joined = world.run_until_one_view(Duration::from_secs(60));
    outcome.add(
        "joined",
        joined.map_or(f64::INFINITY, |_| seconds(world.now - begin)),
    );
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
