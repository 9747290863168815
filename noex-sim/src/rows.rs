//! `Row`: one line of the table: what is run, what is measured, and the goal.

use std::collections::BTreeMap;
use std::time::Duration;

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
    pub measure: fn(&Figures) -> Measured,
}

/// What was measured, and whether that meets the goal.
#[derive(Debug)]
pub(crate) struct Measured {
    pub text: String,
    pub is_met: bool,
}

/// How much of a row is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub seeds: u64,
    pub length: Duration,
}

/// What several runs measured.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub figures: BTreeMap<&'static str, Vec<f64>>,
    pub is_sound: bool,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            figures: BTreeMap::new(),
            is_sound: true,
        }
    }
}

impl Figures {
    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, figures) in &other.figures {
            self.figures.entry(name).or_default().extend(figures);
        }
        self.is_sound &= other.is_sound;
    }

    /// The figure below which this share of all others is.
    fn at(&self, name: &str, share: f64) -> f64 {
        let mut figures = self.figures.get(name).cloned().unwrap_or_default();
        figures.sort_by(f64::total_cmp);
        percentile(&figures, share)
    }

    fn sum(&self, name: &str) -> f64 {
        self.figures
            .get(name)
            .map_or(0.0, |figures| figures.iter().sum())
    }

    /// Whether a share of the figures is at most so much. It is not if there are none.
    fn is_within(&self, name: &str, share: f64, limit: f64) -> bool {
        self.at(name, share) <= limit
    }
}

impl Row {
    pub(crate) fn sample(&self, plan: Plan, size: usize) -> Sample {
        let (full, quick) = self.lengths;
        match plan {
            Plan::Full => Sample {
                seeds: if size > 1_000 { 1 } else { 10 },
                length: Duration::from_secs(full),
            },
            Plan::Quick => Sample {
                seeds: if size > 100 { 1 } else { 3 },
                length: Duration::from_secs(quick),
            },
        }
    }
}

/// The figure below which this share of all others is; they must be in order.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
pub fn percentile(figures: &[f64], share: f64) -> f64 {
    let last = figures.len().saturating_sub(1);
    let place = (share * last as f64).ceil() as usize;
    figures.get(place).copied().unwrap_or(f64::NAN)
}

fn idle(figures: &Figures) -> Measured {
    let (messages, bytes) = (figures.at("messages", 1.0), figures.at("bytes", 1.0));
    Measured {
        text: format!("{messages:.2}/s, {:.2} KB/s", bytes / 1_000.0),
        is_met: messages <= 10.0 && bytes <= 2_000.0,
    }
}

fn crash_messages(figures: &Figures) -> Measured {
    let mean =
        figures.sum("power-off messages") / figures.figures["power-off messages"].len() as f64;
    let max = figures.at("power-off messages of one", 1.0);
    Measured {
        text: format!("mean {mean:.1}, max {max:.0}"),
        is_met: mean <= 40.0 && max <= 60.0,
    }
}

fn power_off(figures: &Figures) -> Measured {
    let at = |share| figures.at("power-off", share);
    let is_met = at(0.99) <= 5.05 && at(1.0) <= 5.1 && at(0.0) >= 4.0 && at(0.5) <= 4.6;
    Measured {
        text: format!(
            "p50 {:.2} s, p99 {:.2} s, max {:.2} s, min {:.2} s",
            at(0.5),
            at(0.99),
            at(1.0),
            at(0.0)
        ),
        is_met,
    }
}

fn power_off_of_few(figures: &Figures) -> Measured {
    let measured = power_off(figures);
    let is_met = figures.is_within("power-off", 1.0, 5.1) && figures.at("power-off", 0.0) >= 4.0;
    Measured { is_met, ..measured }
}

fn kill(figures: &Figures) -> Measured {
    quick("kill", figures, 0.02, 0.1)
}

fn leave(figures: &Figures) -> Measured {
    quick("leave", figures, 0.02, 0.02)
}

fn quick(name: &str, figures: &Figures, p50: f64, p99: f64) -> Measured {
    let at = |share| 1_000.0 * figures.at(name, share);
    Measured {
        text: format!(
            "p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        ),
        is_met: figures.is_within(name, 0.5, p50) && figures.is_within(name, 0.99, p99),
    }
}

fn spread(figures: &Figures) -> Measured {
    let off = 1_000.0 * figures.at("power-off spread", 0.99);
    let kill = 1_000.0 * figures.at("kill spread", 0.99);
    Measured {
        text: format!("power-off {off:.1} ms, kill {kill:.1} ms"),
        is_met: off <= 50.0 && kill <= 50.0,
    }
}

fn false_downs(figures: &Figures) -> Measured {
    let (downs, hours) = (figures.sum("false"), figures.sum("node-hours"));
    let over = if hours > 0.0 {
        format!(" in {hours:.0} node-hours")
    } else {
        String::new()
    };
    Measured {
        text: format!("{downs}{over}"),
        is_met: downs == 0.0,
    }
}

fn deaf(figures: &Figures) -> Measured {
    let (downs, messages) = (figures.sum("false"), figures.at("messages", 1.0));
    Measured {
        text: format!("{downs} downs, {messages:.1} messages/s"),
        is_met: downs == 0.0 && messages <= 2.0 * 9.5,
    }
}

fn split(figures: &Figures) -> Measured {
    let (stable, healed) = (figures.at("stable", 1.0), figures.at("healed", 1.0));
    Measured {
        text: format!("stable {stable:.2} s, healed {healed:.2} s"),
        is_met: stable <= 6.0 && healed <= 2.0,
    }
}

fn observers(figures: &Figures) -> Measured {
    let down = figures.at("down", 1.0);
    Measured {
        text: format!("{down:.2} s, {} false", figures.sum("false")),
        is_met: down <= 7.0 && figures.sum("false") == 0.0,
    }
}

fn restarts(figures: &Figures) -> Measured {
    let (joined, downs) = (figures.at("one view", 1.0), figures.sum("false"));
    Measured {
        text: format!("{downs} false, one view {joined:.2} s"),
        is_met: downs == 0.0 && joined <= 1.0,
    }
}

fn join(figures: &Figures) -> Measured {
    let joined = figures.at("joined", 1.0);
    Measured {
        text: format!("{joined:.2} s"),
        is_met: joined <= 10.0,
    }
}

fn sound(figures: &Figures) -> Measured {
    Measured {
        text: if figures.is_sound { "none" } else { "some" }.to_owned(),
        is_met: figures.is_sound,
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

    const fn lasting(self, full: u64, quick: u64) -> Self {
        let lengths = (full, quick);
        Self { lengths, ..self }
    }
}

/// The hours of a run of 100 nodes that make 2,400 node-hours, as one of ten seeds.
const DAY: u64 = 24 * 3_600;

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
    row("false downs at 1 % loss", "0", Scenario::Loss1, false_downs)
        .at(&[100])
        .lasting(DAY, 1_200),
    row("false downs at 5 % loss", "0", Scenario::Loss5, false_downs)
        .at(&[100])
        .lasting(DAY, 1_200),
    row("the same at 5 s × 3", "0", Scenario::Loss5Slow, false_downs)
        .at(&[100])
        .lasting(DAY, 1_200),
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
    .at(LARGE),
    row(
        "1 % paused up to 0.6 T",
        "0 downs",
        Scenario::ShortPauses,
        false_downs,
    ),
    row(
        "1 % paused up to 0.76 T",
        "0 downs",
        Scenario::LongPauses,
        false_downs,
    ),
    row("split of 1 %", SPLIT, Scenario::Split(1), split)
        .at(&[100, 1_000])
        .quick_up_to(100),
    row("split of 3 %", SPLIT, Scenario::Split(3), split)
        .at(&[100, 1_000])
        .quick_up_to(100),
    row("split of 10 %", SPLIT, Scenario::Split(10), split)
        .at(&[10, 100, 1_000])
        .quick_up_to(100),
    row("split of 30 %", SPLIT, Scenario::Split(30), split)
        .at(&[10, 100, 1_000])
        .quick_up_to(100),
    row("split of 50 %", SPLIT, Scenario::Split(50), split).at(&[10, 100, 1_000]),
    row(
        "split of a third for 10 minutes",
        SPLIT,
        Scenario::LongSplit(33),
        split,
    )
    .at(&[3, 10, 100]),
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
    .at(&[10, 100, 1_000]),
    row(
        "anything at random: violations",
        "none",
        Scenario::Chaos,
        sound,
    )
    .at(&[3, 10, 30]),
];

const SPLIT: &str = "stable ≤ T + I, healed ≤ 2 s";
