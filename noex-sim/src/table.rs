//! The table of goals, with what was measured beside each.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::goals::Figures;
use crate::rows::{ROWS, Row, Sample};
use crate::scenarios::{Outcome, Run};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// All seeds, for as long as the goals say.
    Full,
    /// The same rows with fewer seeds and shorter runs: less than two minutes on one core.
    Quick,
}

/// Runs everything and prints the table. Whether every goal is met.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "how long the run itself takes")]
pub fn print(plan: Plan) -> bool {
    let begin = Instant::now();
    let mut is_good = true;
    let mut cache = BTreeMap::new();
    println!("| what | N | goal | measured | |");
    println!("|---|---|---|---|---|");
    for row in ROWS {
        for size in row
            .sizes
            .iter()
            .filter(|size| plan == Plan::Full || **size <= row.quick_max)
        {
            is_good &= print_row(row, *size, plan, &mut cache);
        }
    }
    let seconds = begin.elapsed().as_secs();
    println!(
        "\n{plan:?} table in {seconds} s; goals {}",
        if is_good { "met" } else { "missed" }
    );
    is_good
}

fn print_row(row: &Row, size: usize, plan: Plan, cache: &mut BTreeMap<String, Figures>) -> bool {
    let Sample { seeds, length } = row.sample(plan, size);
    let mut figures = Figures::default();
    let mut is_good = true;
    for seed in 1..=seeds {
        let run = Run::new(row.scenario, size, seed).lasting(length);
        let key = run.to_string();
        let found = cache.entry(key).or_insert_with(|| measure(&run));
        is_good &= found.is_sound;
        figures.merge(found);
    }
    let measured = (row.measure)(&figures);
    is_good &= measured.is_met;
    let mark = if is_good { "" } else { "**missed**" };
    println!(
        "| {} | {size} | {} | {} | {mark} |",
        row.what, row.goal, measured.text
    );
    is_good
}

/// Runs once, and says what went wrong and how to repeat it.
fn measure(run: &Run) -> Figures {
    let Outcome {
        figures,
        violations,
        ..
    } = run.run();
    for violation in &violations {
        eprintln!("violated {violation}");
    }
    if !violations.is_empty() {
        eprintln!("repeat it: {run}");
    }
    Figures {
        is_sound: violations.is_empty(),
        figures,
    }
}
