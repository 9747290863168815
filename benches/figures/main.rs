//! How do calls and casts compare with raw tokio, in one process and between two?
//!
//! ```text
//! cargo bench --bench figures
//! ```
//!
//! Local: a server against a task with an unbounded channel and a one-shot for each call. Remote,
//! two processes on loopback: a server against a task behind one TCP connection with
//! length-prefixed frames, one writer that batches, and no encryption. Every figure is taken five
//! times, ours and the floor's in turn; medians and their ratio are printed. noex runs with its
//! defaults: bounded mailbox, deadline of 5 s, encryption.

#![expect(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "a benchmark reads the clock, spawns bare tasks, and ends with its parent"
)]

mod local;
mod remote;
mod tcp_floor;

use std::time::Duration;

/// How often each figure is taken.
const ROUNDS: usize = 5;

/// Times per operation, ours and the floor's, of each round.
struct Figure {
    name: &'static str,
    ours: Vec<Duration>,
    floor: Vec<Duration>,
}

impl Figure {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            ours: Vec::new(),
            floor: Vec::new(),
        }
    }

    fn print(&mut self) {
        let (ours, floor) = (median(&mut self.ours), median(&mut self.floor));
        let ratio = ours.as_secs_f64() / floor.as_secs_f64();
        println!(
            "{:<34} {ours:>12.1?} {floor:>12.1?} {ratio:>8.2}",
            self.name
        );
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a machine gives two threads")
}

fn main() {
    if let Ok(role) = std::env::var(remote::ROLE) {
        return remote::serve(&role);
    }
    println!(
        "{:<34} {:>12} {:>12} {:>8}",
        "time per operation", "noex", "raw tokio", "ratio"
    );
    for mut figure in runtime()
        .block_on(async { tokio::spawn(local::figures()).await })
        .expect("it runs")
    {
        figure.print();
    }
    for mut figure in runtime()
        .block_on(async { tokio::spawn(remote::figures()).await })
        .expect("it runs")
    {
        figure.print();
    }
}
