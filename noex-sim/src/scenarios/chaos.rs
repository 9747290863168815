//! All kinds of faults at random, for the invariants alone: nothing is measured.

use std::time::Duration;

use rand::RngExt;
use rand::seq::SliceRandom;

use super::outcome::Outcome;
use super::scenario::Run;
use crate::world::World;

pub(super) fn run(run: &Run) -> Outcome {
    let mut outcome = Outcome::default();
    let mut world = World::formed(run.rules(), run.size, run.seed);
    world.clock_error = 1.0;
    for host in 0..run.size {
        // Half a percent too fast or too slow.
        let rate = world.rng().random_range(0.995..1.005);
        world.set_clock_rate(host, rate);
    }
    let end = world.now + run.length;
    while world.now < end {
        break_something(&mut world, run.size);
        let pause = Duration::from_millis(world.rng().random_range(10..15_000));
        world.run_for(pause);
        if world.rng().random_bool(0.4) {
            mend(&mut world, run.size);
        }
    }
    mend(&mut world, run.size);
    outcome.add("events", 0.0);
    outcome.end(world)
}

fn break_something(world: &mut World, size: usize) {
    let host = world.rng().random_range(0..size);
    let other = world.rng().random_range(0..size);
    let is_alive = world.live_hosts().any(|live| live == host);
    let is_crowded = world.live_hosts().count() > size / 2;
    match world.rng().random_range(0..12) {
        0 if is_alive && is_crowded => world.power_off(host),
        1 if is_alive && is_crowded => world.kill(host),
        2 if is_alive && is_crowded => world.leave(host),
        3 => world.pause(host),
        4 => world.cut(host, other),
        5 => {
            world.cut(host, other);
            world.cut(other, host);
        }
        6 => {
            let mut hosts: Vec<usize> = (0..size).collect();
            hosts.shuffle(world.rng());
            let count = world.rng().random_range(1..=size / 2);
            world.split(&hosts[..count]);
        }
        7 => world.lose(0.05),
        8 => {
            let by = Duration::from_millis(world.rng().random_range(10..3_000));
            world.clog(host, other, by);
        }
        9 => world.reset(host, other),
        10 => world.use_sessions(host),
        _ => world.rest_sessions(host),
    }
}

fn mend(world: &mut World, size: usize) {
    world.heal();
    for host in 0..size {
        world.resume(host);
    }
    let living: Vec<usize> = world.live_hosts().collect();
    for host in (0..size).filter(|host| !living.contains(host)) {
        world.finish(host);
        let seeds: Vec<usize> = living.iter().copied().take(3).collect();
        world.start(host, &seeds);
    }
}
