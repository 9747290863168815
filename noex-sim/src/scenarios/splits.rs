//! A part of the nodes is cut off from the others, and comes back.

use std::time::Duration;

use rand::seq::SliceRandom;

use super::outcome::{Outcome, seconds};
use super::scenario::Run;
use crate::world::World;

/// The longest that healing is waited for.
const HEALING_MAX: Duration = Duration::from_secs(60);

pub(super) fn run(run: &Run, percent: u8, length: Duration) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    let mut hosts: Vec<usize> = (0..run.size).collect();
    hosts.shuffle(world.rng());
    hosts.truncate((run.size * usize::from(percent) / 100).max(1));
    let since = world.now;
    world.split(&hosts);
    world.run_for(length);
    let changed_at = world.log.iter().map(|told| told.at).max().unwrap_or(since);
    let is_stable = world.holds_sides(&hosts);
    let stable = if is_stable {
        seconds(changed_at - since)
    } else {
        f64::INFINITY
    };
    outcome.add("stable", stable);
    world.log.clear();
    // Healing brings nodes back, and takes none away.
    world.truth.is_bearable = true;
    world.heal();
    let healed = world.run_until_one_view(HEALING_MAX);
    outcome.add("healed", healed.map_or(f64::INFINITY, seconds));
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
