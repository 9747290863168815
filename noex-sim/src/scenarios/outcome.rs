//! `Outcome`: what a run measured, and what went wrong in it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::invariants::Violation;
use crate::tally::Tally;
use crate::time::At;
use crate::truth::{LifeIndex, Told, What};
use crate::world::World;

/// After the faults are off, one view is demanded after at most this.
const RECOVERY: Duration = Duration::from_secs(120);

/// What a run measured, and what went wrong in it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// What was measured, by name.
    pub figures: BTreeMap<&'static str, Vec<f64>>,
    /// What must not be.
    pub violations: Vec<Violation>,
    /// Everything that was handled.
    pub events: u64,
    /// What all nodes have sent.
    pub tally: Tally,
}

impl Outcome {
    /// Adds a figure.
    pub fn add(&mut self, name: &'static str, figure: f64) {
        self.figures.entry(name).or_default().push(figure);
    }

    /// Takes in what another run measured.
    pub fn merge(&mut self, other: Self) {
        for (name, figures) in other.figures {
            self.figures.entry(name).or_default().extend(figures);
        }
        self.violations.extend(other.violations);
        self.events += other.events;
        self.tally.merge(&other.tally);
    }

    /// How long after `since` each live node was told that a life is down, in seconds.
    pub(crate) fn add_downs(
        &mut self,
        name: &'static str,
        world: &World,
        about: LifeIndex,
        since: At,
    ) {
        let is_down = |told: &&Told| told.about == about && matches!(told.what, What::Down(_));
        let living = world.living();
        let downs: Vec<&Told> = world.log.iter().filter(is_down).collect();
        for life in living {
            let told = downs.iter().find(|told| told.to == life);
            self.add(
                name,
                told.map_or(f64::INFINITY, |told| seconds(told.at - since)),
            );
        }
    }

    /// How long it took from the first node that was told that a life is down to the others, in
    /// seconds.
    pub(crate) fn add_spread(&mut self, name: &'static str, world: &World, about: LifeIndex) {
        let is_down = |told: &&Told| told.about == about && matches!(told.what, What::Down(_));
        let downs = world.log.iter().filter(is_down).map(|told| told.at);
        let downs: Vec<At> = downs.collect();
        let first = downs.iter().min().copied().unwrap_or_default();
        for at in downs {
            self.add(name, seconds(at - first));
        }
    }

    /// How many times a life that goes on was told to be down to another one that does.
    pub(crate) fn add_false_downs(&mut self, name: &'static str, world: &World) {
        let is_false = |told: &&Told| {
            matches!(told.what, What::Down(_))
                && !world.truth.is_over(told.about)
                && !world.truth.is_over(told.to)
        };
        let count = world.log.iter().filter(is_false).count();
        self.add(name, count_of(count));
    }

    /// Ends a run: the faults are off, and there must be one view.
    pub(crate) fn end(mut self, mut world: World) -> Self {
        world.heal();
        if world.run_until_one_view(RECOVERY).is_some() {
            // It must stay so.
            world.run_for(Duration::from_secs(5));
        }
        world.demand_one_view();
        self.violations.append(&mut world.violations);
        self.events += world.events;
        self.tally.merge(&world.tally);
        self
    }
}

pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) const fn count_of(count: usize) -> f64 {
    count as f64
}
