//! Nodes end in the three ways in which nodes end: without power, killed, and in order.

use std::time::Duration;

use rand::RngExt;
use rand::seq::SliceRandom;

use super::outcome::{Outcome, count_of};
use super::scenario::Run;
use crate::world::World;

/// How many nodes end in each way, if there are enough.
const EACH: usize = 3;

/// How often some lose power at one moment, and after what time the others have got over it.
const ROUNDS: usize = 3;
const CALM: Duration = Duration::from_secs(20);

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    for _ in 0..EACH.min(run.size / 3) {
        end_one(&mut world, &mut outcome, &POWER_OFF);
        end_one(&mut world, &mut outcome, &KILL);
        end_one(&mut world, &mut outcome, &LEAVE);
    }
    for _ in 0..ROUNDS {
        world.run_for(CALM);
        power_off_many(&mut world, &mut outcome);
    }
    outcome.end(world)
}

/// Some lose power at one moment, so few that it is no split: when their last heartbeats were is
/// chance, of which one node alone says little, and even forty give the median to a twentieth of a
/// second only.
fn power_off_many(world: &mut World, outcome: &mut Outcome) {
    let mut hosts: Vec<usize> = world.live_hosts().collect();
    hosts.shuffle(world.rng());
    hosts.truncate(hosts.len() / 25);
    let since = world.now;
    for host in &hosts {
        world.power_off(*host);
    }
    world.run_for(Duration::from_secs(8));
    for host in hosts {
        outcome.add_downs("power-off", world, world.life_on(host), since);
    }
    outcome.add_false_downs("false", world);
    world.log.clear();
}

/// A way to end, and what its figures are called.
struct Way {
    end: fn(&mut World, usize),
    after: &'static str,
    spread: &'static str,
    messages: &'static str,
    messages_max: &'static str,
}

const POWER_OFF: Way = Way {
    end: World::power_off,
    after: "power-off",
    spread: "power-off spread",
    messages: "power-off messages",
    messages_max: "power-off messages of one",
};

const KILL: Way = Way {
    end: World::kill,
    after: "kill",
    spread: "kill spread",
    messages: "kill messages",
    messages_max: "kill messages of one",
};

const LEAVE: Way = Way {
    end: World::leave,
    after: "leave",
    spread: "leave spread",
    messages: "leave messages",
    messages_max: "leave messages of one",
};

fn end_one(world: &mut World, outcome: &mut Outcome, way: &Way) {
    let pause = Duration::from_millis(world.rng().random_range(0..2_000));
    world.run_for(pause);
    let hosts: Vec<usize> = world.live_hosts().collect();
    let host = hosts[world.rng().random_range(0..hosts.len())];
    let (life, since) = (world.life_on(host), world.now);
    let before = world.traffic();
    (way.end)(world, host);
    world.run_for(Duration::from_secs(8));
    let after = world.traffic();
    outcome.add_downs(way.after, world, life, since);
    outcome.add_spread(way.spread, world, life);
    let hosts: Vec<usize> = world.live_hosts().collect();
    let sent: Vec<usize> = hosts
        .iter()
        .map(|h| after[*h].changes - before[*h].changes)
        .collect();
    let mean = count_of(sent.iter().sum()) / count_of(sent.len());
    outcome.add(way.messages, mean);
    outcome.add(
        way.messages_max,
        count_of(sent.into_iter().max().unwrap_or(0)),
    );
    outcome.add_false_downs("false", world);
    world.log.clear();
}
