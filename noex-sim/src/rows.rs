//! `Row`: one line of the table: what is run, what is measured, and the goal.

use std::time::Duration;

use crate::goals::{
    Figures, Measured, crash_messages, deaf, false_downs, idle, join, kill, leave, observers,
    power_off, power_off_of_few, restarts, resting, sound, split, spread,
};
use crate::scenarios::Scenario;
use crate::table::Plan;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub what: &'static str,
    pub goal: &'static str,
    pub scenario: Scenario,
    pub sizes: &'static [usize],
    /// The largest size that the quick plan runs.
    pub quick_max: usize,
    /// How long it runs in both plans, where that is not part of the scenario.
    pub lengths: (u64, u64),
    /// How many times as many seeds as usual are run.
    pub times: u64,
    pub measure: fn(&Figures) -> Measured,
}

/// How much of a row is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub seeds: u64,
    pub length: Duration,
}

impl Row {
    /// The sizes that are run.
    pub(crate) fn sizes(&self, plan: Plan) -> impl Iterator<Item = usize> + use<> {
        let largest = match plan {
            Plan::Full => usize::MAX,
            Plan::Quick => self.quick_max,
        };
        let sizes = self.sizes.iter().copied();
        sizes.filter(move |size| *size <= largest)
    }

    /// With how many seeds, and how long, a size is run.
    pub(crate) fn sample(&self, plan: Plan, size: usize) -> Sample {
        let (full, quick) = self.lengths;
        let sample = match plan {
            Plan::Full => Sample {
                seeds: if size > 1_000 { 1 } else { 10 },
                length: Duration::from_secs(full),
            },
            Plan::Quick => Sample {
                seeds: if size > 100 { 1 } else { 3 },
                length: Duration::from_secs(quick),
            },
        };
        Sample {
            seeds: self.times * sample.seeds,
            ..sample
        }
    }
}

const ALL: &[usize] = &[3, 10, 100, 1_000];
const LARGE: &[usize] = &[1_000];

const fn row(
    what: &'static str,
    goal: &'static str,
    scenario: Scenario,
    measure: fn(&Figures) -> Measured,
) -> Row {
    Row {
        what,
        goal,
        scenario,
        sizes: LARGE,
        quick_max: 1_000,
        lengths: (600, 60),
        times: 1,
        measure,
    }
}

impl Row {
    const fn at(self, sizes: &'static [usize]) -> Self {
        Self { sizes, ..self }
    }

    const fn quick_up_to(self, quick_max: usize) -> Self {
        Self { quick_max, ..self }
    }

    const fn with_many_seeds(self) -> Self {
        Self { times: 20, ..self }
    }

    const fn lasting(self, full: u64, quick: u64) -> Self {
        let lengths = (full, quick);
        Self { lengths, ..self }
    }
}

/// The seconds of a run of 100 nodes that make 1,000 node-hours, and of one of 1,000 nodes that
/// make 200: with ten seeds each, and 1 % and 5 % of loss, that is 24,000 by each of the two rules.
const LONG: u64 = 10 * 3_600;
const LONG_OF_MANY: u64 = 12 * 60;

/// The table.
pub(crate) const ROWS: &[Row] = &[
    row(
        "idle messages sent per node",
        "≤ 10/s, ≤ 2 KB/s",
        Scenario::Idle,
        idle,
    )
    .at(&[3, 10, 100, 1_000, 5_000]),
    row(
        "messages per node for one crash",
        "mean ≤ 40, max ≤ 60",
        Scenario::Endings,
        crash_messages,
    ),
    row(
        "power-off → down on all live nodes",
        "p50 ≤ 4.6 s, p99 ≤ 5.05 s, max ≤ 5.1 s, min ≥ 4 s",
        Scenario::Endings,
        power_off,
    ),
    row(
        "the same in small clusters",
        "max ≤ 5.1 s, min ≥ 4 s",
        Scenario::Endings,
        power_off_of_few,
    )
    .at(&[3, 10, 100]),
    row(
        "killed, host alive",
        "p50 ≤ 20 ms, p99 ≤ 100 ms",
        Scenario::Endings,
        kill,
    )
    .at(ALL),
    row(
        "orderly leave seen by all",
        "p99 ≤ 20 ms",
        Scenario::Endings,
        leave,
    )
    .at(&[10, 100, 1_000]),
    row(
        "spread of downs between nodes, p99",
        "≤ 50 ms",
        Scenario::Endings,
        spread,
    )
    .at(ALL),
    row(
        "5 bad pairs for an hour",
        "0 downs",
        Scenario::BadPairs,
        false_downs,
    )
    .at(&[10, 100])
    .lasting(3_600, 900),
    row(
        "5 one-way cuts for an hour",
        "0 downs",
        Scenario::OneWay,
        false_downs,
    )
    .at(&[10, 100])
    .lasting(3_600, 900),
    row(
        "1 % with 80 % ingress loss",
        "0 downs, ≤ 2 × idle",
        Scenario::Deaf,
        deaf,
    )
    .at(&[100, 1_000]),
    row(
        "1 % paused up to 0.6 T",
        "0 downs",
        Scenario::ShortPauses,
        false_downs,
    )
    .at(&[100, 1_000]),
    row(
        "1 % paused up to 0.76 T",
        "0 downs",
        Scenario::LongPauses,
        false_downs,
    )
    .at(&[100, 1_000]),
    row(
        "all suspended, woken over 3 s",
        "0 downs",
        Scenario::Suspension,
        false_downs,
    )
    .at(&[3, 10, 100]),
    row("split of 1 %", SPLIT, Scenario::Split(1), split).at(&[100, 1_000]),
    row("split of 3 %", SPLIT, Scenario::Split(3), split)
        .at(&[100, 1_000])
        .quick_up_to(100),
    row("split of 10 %", SPLIT, Scenario::Split(10), split)
        .at(&[10, 100, 1_000])
        .quick_up_to(100),
    row("split of 30 %", SPLIT, Scenario::Split(30), split)
        .at(&[10, 100, 1_000])
        .quick_up_to(100),
    row("split of 50 %", SPLIT, Scenario::Split(50), split)
        .at(&[10, 100, 1_000])
        .quick_up_to(100),
    row(
        "split of a third for 10 minutes",
        SPLIT,
        Scenario::LongSplit(33),
        split,
    )
    .at(&[3, 10, 100]),
    row(
        "split of 20 %, two observe each",
        SPLIT,
        Scenario::SparseSplit(20),
        split,
    )
    .at(&[5]),
    row(
        "a node and its observers at once",
        "≤ T + 2 I, 0 false",
        Scenario::Observers,
        observers,
    )
    .at(&[100, 1_000]),
    row(
        "rolling restart",
        "0 false, one view ≤ 1 s",
        Scenario::RollingRestart,
        restarts,
    )
    .at(&[100]),
    row(
        "0 → N with 3 seeds, over 5 s",
        "≤ 10 s",
        Scenario::Join,
        join,
    )
    .at(&[10, 100, 1_000])
    .quick_up_to(100),
    row(
        "sessions opened and rested: losses",
        "0, none left",
        Scenario::Resting,
        resting,
    )
    .at(&[30, 100]),
    row(
        "anything at random: violations",
        "none",
        Scenario::Chaos,
        sound,
    )
    .at(&[3, 10, 30])
    .with_many_seeds(),
    row("false downs at 1 % loss", "0", Scenario::Loss1, false_downs)
        .at(&[100])
        .lasting(LONG, 1_200),
    row("false downs at 1 % loss", "0", Scenario::Loss1, false_downs).lasting(LONG_OF_MANY, 60),
    row("false downs at 5 % loss", "0", Scenario::Loss5, false_downs)
        .at(&[100])
        .lasting(LONG, 1_200),
    row("false downs at 5 % loss", "0", Scenario::Loss5, false_downs).lasting(LONG_OF_MANY, 60),
    row(LOSS_1_SLOW, "0", Scenario::Loss1Slow, false_downs)
        .at(&[100])
        .lasting(LONG, 1_200),
    row(LOSS_1_SLOW, "0", Scenario::Loss1Slow, false_downs).lasting(LONG_OF_MANY, 60),
    row(LOSS_5_SLOW, "0", Scenario::Loss5Slow, false_downs)
        .at(&[100])
        .lasting(LONG, 1_200),
    row(LOSS_5_SLOW, "0", Scenario::Loss5Slow, false_downs).lasting(LONG_OF_MANY, 60),
];

const LOSS_1_SLOW: &str = "false downs at 1 % loss, 5 s × 3";
const LOSS_5_SLOW: &str = "false downs at 5 % loss, 5 s × 3";
const SPLIT: &str = "stable ≤ T + I, healed ≤ 2 s";
