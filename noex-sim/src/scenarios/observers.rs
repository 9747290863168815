//! A node loses power together with all that observe it: others take their place.

use std::time::Duration;

use rand::RngExt;

use super::outcome::Outcome;
use super::scenario::Run;
use crate::world::World;

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    let host = world.rng().random_range(0..run.size);
    let observers = world.observers(host);
    let (life, since) = (world.life_on(host), world.now);
    world.power_off(host);
    for observer in observers {
        world.power_off(observer);
    }
    world.run_for(Duration::from_secs(20));
    outcome.add_downs("down", &world, life, since);
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
