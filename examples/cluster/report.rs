//! What the job shows at its end.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use crate::words::Counts;

/// How many of the most frequent words are shown.
const TOP: usize = 10;

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

/// Shows how far the job is: on a terminal, in place.
pub(crate) fn progress(done: usize, total: usize) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{done} of {total} chunks ");
        if done == total {
            eprintln!();
        }
    }
}

pub(crate) fn print(outcome: &Outcome) {
    println!(
        "\nthe {TOP} most frequent of {} different words:",
        outcome.counts.distinct()
    );
    for (word, count) in outcome.counts.top(TOP) {
        println!("{count:>11}  {word}");
    }
    println!(
        "\n{:<12} {:<28} {:>8} {:>12}",
        "counter", "node", "chunks", "words"
    );
    for ((counter, node), work) in &outcome.work {
        println!(
            "{counter:<12} {node:<28} {:>8} {:>12}",
            work.chunks, work.words
        );
    }
    if outcome.duplicates > 0 {
        println!(
            "{} chunks came in twice and counted once",
            outcome.duplicates
        );
    }
    println!();
}
