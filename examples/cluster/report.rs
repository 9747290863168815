//! What the job shows at its end.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use crate::words::Counts;

/// How many of the most frequent words are shown.
const TOP: usize = 10;

/// To the start of the line, and nothing after that.
const CLEAR_LINE: &str = "\r\x1b[K";

/// What the job came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) killed: usize,
    pub(crate) handed_over: usize,
    pub(crate) duplicates: usize,
    /// What each counter did, by its name and its node.
    pub(crate) work: BTreeMap<(String, String), Work>,
}

/// What one counter did on one node.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) chunks: usize,
    pub(crate) words: u64,
}

/// Where people watch the job: its news line by line on the standard output, its progress on the
/// standard error, in place if that is a terminal.
#[derive(Debug)]
pub(crate) struct Screen {
    total: usize,
    shown: usize,
    in_place: bool,
}

impl Screen {
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            shown: 0,
            in_place: io::stderr().is_terminal(),
        }
    }

    /// Shows how far the job is: each step on a terminal, each quarter elsewhere.
    pub(crate) fn progress(&mut self, done: usize) {
        let quarter = |done: usize| done * 4 / self.total.max(1);
        if self.in_place && done != self.shown {
            eprint!("{CLEAR_LINE}{done} of {} chunks", self.total);
        } else if quarter(done) != quarter(self.shown) {
            eprintln!("{done} of {} chunks", self.total);
        }
        self.shown = done;
    }

    /// Shows a line of news above the progress.
    pub(crate) fn say(&self, line: &str) {
        self.clear();
        println!("{line}");
        if self.in_place {
            eprint!("{} of {} chunks", self.shown, self.total);
        }
    }

    /// Takes the progress away.
    fn clear(&self) {
        if self.in_place {
            eprint!("{CLEAR_LINE}");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Shows what was counted, and who counted it.
pub(crate) fn print(outcome: &Outcome) {
    let different = outcome.counts.distinct();
    println!("\nthe most frequent of {different} different words:");
    for (word, count) in outcome.counts.top(TOP) {
        println!("{count:>11}  {word}");
    }
    let nodes = outcome.work.keys().map(|(_, node)| node.len());
    let width = nodes.max().unwrap_or_default().max("node".len());
    println!(
        "\n{:<10}  {:<width$}  {:>7}  {:>11}",
        "counter", "node", "chunks", "words"
    );
    for ((counter, node), work) in &outcome.work {
        let Work { chunks, words } = work;
        println!("{counter:<10}  {node:<width$}  {chunks:>7}  {words:>11}");
    }
    if outcome.duplicates > 0 {
        let duplicates = outcome.duplicates;
        println!("{duplicates} chunks came in twice and were counted once");
    }
    println!();
}
