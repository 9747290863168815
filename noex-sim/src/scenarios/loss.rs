//! Packets are lost, and come again later: nobody may go down by that.

use super::outcome::{Outcome, count_of, seconds};
use super::scenario::Run;
use crate::world::World;

pub(super) fn run(run: &Run, share: f64) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.truth.is_bearable = true;
    world.lose(share);
    world.run_for(run.length);
    outcome.add_false_downs("false", &world);
    outcome.add(
        "node-hours",
        count_of(run.size) * seconds(run.length) / 3_600.0,
    );
    outcome.end(world)
}
