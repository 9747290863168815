//! Nothing happens: what does that cost?

use std::time::Duration;

use super::outcome::{Outcome, count_of, seconds};
use super::scenario::Run;
use crate::world::World;

/// How long messages are counted.
const LENGTH: Duration = Duration::from_secs(20);

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.truth.is_bearable = true;
    world.weigh();
    let before = world.traffic();
    world.run_for(LENGTH);
    let after = world.traffic();
    let sum = |count: fn(&crate::world::Sent) -> usize| {
        let sum = |sent: &[crate::world::Sent]| sent.iter().map(count).sum::<usize>();
        count_of(sum(&after) - sum(&before)) / count_of(run.size) / seconds(LENGTH)
    };
    outcome.add("messages", sum(|sent| sent.messages));
    outcome.add("bytes", sum(|sent| sent.bytes));
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
