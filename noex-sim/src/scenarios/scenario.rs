//! `Scenario`: which ones there are, by name.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use noex_cluster::sim::{Flaw, Rules};

use super::outcome::Outcome;
use super::{
    chaos, deaf, endings, idle, joining, loss, observers, pairs, pauses, restarts, resting, splits,
    suspension,
};
use crate::world::RULES;

/// What is done to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scenario {
    /// Nothing.
    Idle,
    /// Some lose power, some are killed, some leave.
    Endings,
    /// One in a hundred packets is lost.
    Loss1,
    /// One in twenty packets is lost.
    Loss5,
    /// One in a hundred packets is lost, at an interval of 5 s and a threshold of 3.
    Loss1Slow,
    /// One in twenty packets is lost, at an interval of 5 s and a threshold of 3.
    Loss5Slow,
    /// Five pairs of nodes don't reach each other.
    BadPairs,
    /// Five nodes don't reach another one, which reaches them.
    OneWay,
    /// One node in a hundred loses 80 % of what comes to it.
    Deaf,
    /// One node in a hundred is paused, for up to 0.6 of the detection time.
    ShortPauses,
    /// One node in a hundred is paused, for up to 0.76 of the detection time.
    LongPauses,
    /// The whole cluster is suspended, and goes on node by node.
    Suspension,
    /// So many percent of the nodes are cut off from the others.
    Split(u8),
    /// The same, for ten minutes.
    LongSplit(u8),
    /// So many percent of the nodes are cut off, where only two others observe each.
    SparseSplit(u8),
    /// A node and all that observe it lose power at once.
    Observers,
    /// One node after the other leaves and starts anew.
    RollingRestart,
    /// Nodes start within five seconds, with three seeds.
    Join,
    /// Sessions are opened as users want them, and rest when nobody uses them.
    Resting,
    /// All kinds of faults at random.
    Chaos,
}

/// One run of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// Which scenario.
    pub scenario: Scenario,
    /// With how many nodes.
    pub size: usize,
    /// From which seed.
    pub seed: u64,
    /// For how long, where that is not part of the scenario.
    pub length: Duration,
    /// What is broken on purpose.
    pub flaw: Flaw,
}

impl Run {
    /// A run of ten minutes, with nothing broken on purpose.
    #[must_use]
    pub const fn new(scenario: Scenario, size: usize, seed: u64) -> Self {
        Self {
            scenario,
            size,
            seed,
            length: Duration::from_mins(10),
            flaw: Flaw::None,
        }
    }

    /// The same for another time.
    #[must_use]
    pub const fn lasting(self, length: Duration) -> Self {
        Self { length, ..self }
    }

    /// The same with something broken on purpose.
    #[must_use]
    pub const fn broken(self, flaw: Flaw) -> Self {
        Self { flaw, ..self }
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self) -> Outcome {
        match self.scenario {
            Scenario::Idle => idle::run(self),
            Scenario::Endings => endings::run(self),
            Scenario::Loss1 | Scenario::Loss1Slow => loss::run(self, 0.01),
            Scenario::Loss5 | Scenario::Loss5Slow => loss::run(self, 0.05),
            Scenario::BadPairs => pairs::run(self, pairs::Direction::Both),
            Scenario::OneWay => pairs::run(self, pairs::Direction::One),
            Scenario::Deaf => deaf::run(self),
            Scenario::ShortPauses => pauses::run(self, 0.6),
            Scenario::LongPauses => pauses::run(self, 0.76),
            Scenario::Suspension => suspension::run(self),
            Scenario::Split(percent) | Scenario::SparseSplit(percent) => {
                splits::run(self, percent, Duration::from_secs(30))
            }
            Scenario::LongSplit(percent) => splits::run(self, percent, Duration::from_mins(10)),
            Scenario::Observers => observers::run(self),
            Scenario::RollingRestart => restarts::run(self),
            Scenario::Join => joining::run(self),
            Scenario::Resting => resting::run(self),
            Scenario::Chaos => chaos::run(self),
        }
    }

    /// The rules that its nodes follow.
    pub(crate) fn rules(&self) -> Rules {
        let (heartbeat_interval, miss_threshold) = match self.scenario {
            Scenario::Loss1Slow | Scenario::Loss5Slow => (Duration::from_secs(5), 3),
            _ => (RULES.heartbeat_interval, RULES.miss_threshold),
        };
        Rules {
            heartbeat_interval,
            miss_threshold,
            observers: match self.scenario {
                Scenario::SparseSplit(_) => 2,
                _ => RULES.observers,
            },
            flaw: self.flaw,
            ..RULES
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scenario,
            size,
            seed,
            length,
            ..
        } = self;
        let length = length.as_secs();
        write!(
            f,
            "cargo run --release -p noex-sim -- run --seed {seed} --nodes {size} "
        )?;
        write!(f, "--scenario {scenario} --length {length}")
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split(percent) => write!(f, "split-{percent}"),
            Self::LongSplit(percent) => write!(f, "long-split-{percent}"),
            Self::SparseSplit(percent) => write!(f, "sparse-split-{percent}"),
            other => f.write_str(
                NAMES
                    .iter()
                    .find(|(_, s)| s == other)
                    .map_or("", |(name, _)| name),
            ),
        }
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, scenario)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*scenario);
        }
        let percent = |text: &str| text.parse().ok().filter(|percent| *percent <= 100);
        let of_family = |prefix| text.strip_prefix(prefix).and_then(percent);
        let split = of_family("split-").map(Self::Split);
        let long = || of_family("long-split-").map(Self::LongSplit);
        let sparse = || of_family("sparse-split-").map(Self::SparseSplit);
        split.or_else(long).or_else(sparse).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!(
                "no scenario {text}; there are split-N, long-split-N, sparse-split-N, {}",
                names.join(", ")
            )
        })
    }
}

const NAMES: &[(&str, Scenario)] = &[
    ("idle", Scenario::Idle),
    ("endings", Scenario::Endings),
    ("loss-1", Scenario::Loss1),
    ("loss-5", Scenario::Loss5),
    ("loss-1-slow", Scenario::Loss1Slow),
    ("loss-5-slow", Scenario::Loss5Slow),
    ("bad-pairs", Scenario::BadPairs),
    ("one-way", Scenario::OneWay),
    ("deaf", Scenario::Deaf),
    ("short-pauses", Scenario::ShortPauses),
    ("long-pauses", Scenario::LongPauses),
    ("suspension", Scenario::Suspension),
    ("observers", Scenario::Observers),
    ("rolling-restart", Scenario::RollingRestart),
    ("join", Scenario::Join),
    ("resting", Scenario::Resting),
    ("chaos", Scenario::Chaos),
];
