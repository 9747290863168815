//! Some nodes hear hardly anything: they must not take others for dead, nor be taken for dead, nor
//! make everybody talk.

use std::time::Duration;

use rand::seq::SliceRandom;

use super::outcome::{Outcome, count_of, seconds};
use super::scenario::Run;
use crate::world::World;

const LENGTH: Duration = Duration::from_secs(120);

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.truth.is_bearable = true;
    let mut hosts: Vec<usize> = (0..run.size).collect();
    hosts.shuffle(world.rng());
    for host in hosts.into_iter().take((run.size / 100).max(1)) {
        world.lose_ingress(host, 0.8);
    }
    let before = world.traffic();
    world.run_for(LENGTH);
    let after = world.traffic();
    let sent = after.iter().zip(&before);
    let sent: Vec<usize> = sent.map(|(a, b)| a.messages - b.messages).collect();
    let mean = count_of(sent.iter().sum()) / count_of(run.size) / seconds(LENGTH);
    outcome.add("messages", mean);
    let most = sent.into_iter().max().unwrap_or_default();
    outcome.add("messages of one", count_of(most) / seconds(LENGTH));
    outcome.add_false_downs("false", &world);
    outcome.end(world)
}
