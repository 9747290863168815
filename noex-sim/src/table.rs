//! The table of goals, with what was measured beside each.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Instant;

use crate::goals::Figures;
use crate::rows::{ROWS, Row};
use crate::scenarios::{Outcome, Run};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// All seeds, for as long as the goals say.
    Full,
    /// The same rows with fewer seeds and shorter runs: less than two minutes on two cores.
    Quick,
}

/// A row at one size.
#[derive(Debug)]
struct Line {
    row: &'static Row,
    size: usize,
    /// Its runs, by their places in the list of all.
    runs: Vec<usize>,
}

/// Runs everything, on as many cores as there are, and prints the table; how far it is goes to
/// standard error. Whether every goal is met.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "how long the run itself takes")]
pub fn print(plan: Plan) -> bool {
    let begin = Instant::now();
    let (lines, runs) = lay_out(plan);
    let mut lines = lines.iter().peekable();
    let mut found: Vec<Option<Figures>> = vec![None; runs.len()];
    let (mut is_good, next) = (true, AtomicUsize::new(0));
    println!("| what | N | goal | measured | |");
    println!("|---|---|---|---|---|");
    thread::scope(|scope| {
        let (done_tx, done_rx) = mpsc::sync_channel(runs.len());
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            let (done_tx, next, runs) = (done_tx.clone(), &next, &runs);
            scope.spawn(move || run_all(runs, next, &done_tx));
        }
        drop(done_tx);
        for (count, (index, figures)) in (1..).zip(done_rx) {
            let (all, seconds) = (runs.len(), begin.elapsed().as_secs());
            eprintln!("{count} of {all} runs after {seconds} s: {}", runs[index]);
            found[index] = Some(figures);
            let is_ready = |line: &&Line| line.runs.iter().all(|run| found[*run].is_some());
            while let Some(line) = lines.next_if(is_ready) {
                is_good &= print_line(line, &found);
            }
        }
    });
    let seconds = begin.elapsed().as_secs();
    println!(
        "\n{plan:?} table in {seconds} s; goals {}",
        if is_good { "met" } else { "missed" }
    );
    is_good
}

/// Runs whatever no other thread has begun to run, until there is nothing left.
fn run_all(runs: &[Run], next: &AtomicUsize, done_tx: &SyncSender<(usize, Figures)>) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(run) = runs.get(index) else {
            return;
        };
        let figures = measure(run);
        if done_tx.send((index, figures)).is_err() {
            // Nobody waits for them: the thread that prints has panicked.
            return;
        }
    }
}

/// All lines, and the runs that they need; what several of them need is run once.
fn lay_out(plan: Plan) -> (Vec<Line>, Vec<Run>) {
    let (mut lines, mut runs) = (Vec::new(), Vec::new());
    for row in ROWS {
        for size in row.sizes(plan) {
            let sample = row.sample(plan, size);
            let wanted = (1..=sample.seeds)
                .map(|seed| Run::new(row.scenario, size, seed).lasting(sample.length));
            let places = wanted.map(|run| {
                runs.iter()
                    .position(|known| *known == run)
                    .unwrap_or_else(|| {
                        runs.push(run);
                        runs.len() - 1
                    })
            });
            let places = places.collect();
            lines.push(Line {
                row,
                size,
                runs: places,
            });
        }
    }
    (lines, runs)
}

fn print_line(line: &Line, found: &[Option<Figures>]) -> bool {
    let mut figures = Figures::default();
    for run in &line.runs {
        figures.merge(found[*run].as_ref().expect("all runs of the line are done"));
    }
    let measured = (line.row.measure)(&figures);
    let is_good = figures.is_sound && measured.is_met;
    let mark = if is_good { "" } else { "**missed**" };
    let Row { what, goal, .. } = line.row;
    println!(
        "| {what} | {} | {goal} | {} | {mark} |",
        line.size, measured.text
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
