//! Processes are stopped for a while, shorter than the detection time: nobody goes down by that.

use std::time::Duration;

use rand::RngExt;

use super::outcome::Outcome;
use super::scenario::Run;
use crate::world::World;

const LENGTH: Duration = Duration::from_secs(120);

pub(super) fn run(run: &Run, share: f64) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.truth.is_bearable = true;
    let longest = run.rules().detection_time().mul_f64(share);
    let end = world.now + LENGTH;
    let count = (run.size / 100).max(1);
    let mut paused: Vec<(crate::time::At, usize)> = Vec::new();
    while world.now < end {
        while paused.len() < count {
            let host = world.rng().random_range(0..run.size);
            let length = longest.mul_f64(world.rng().random_range(0.3..1.0));
            world.pause(host);
            paused.push((world.now + length, host));
        }
        world.run_for(Duration::from_millis(10));
        let now = world.now;
        for (_, host) in paused.extract_if(.., |(until, _)| *until <= now) {
            world.resume(host);
        }
    }
    for (_, host) in paused {
        world.resume(host);
    }
    world.run_for(Duration::from_secs(10));
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
