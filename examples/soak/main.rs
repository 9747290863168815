//! Processes fail at random under their supervisors, while others call them, watch them and set
//! timers; then all must be as it was: no process, name, call, timer or message is left, and the
//! memory does not grow.
//!
//! ```text
//! cargo run --release --example soak            ten minutes
//! cargo run --release --example soak -- 0.5     half a minute
//! ```

mod floor;
mod load;
mod program;
mod token;
mod worker;

use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Duration;

use floor::{Floor, memory};
use load::Load;
use noex::prelude::*;
use noex::task::Task;
use tokio::time::{Instant, sleep_until};

const MINUTES_DEFAULT: f64 = 10.0;

/// How long one round is at most; after each of them all must be as it was.
const ROUND_MAX: Duration = Duration::from_secs(10);

/// How many rounds there are at least. Those of the first third may take memory for good.
const ROUNDS_MIN: u32 = 6;

/// How many tasks make trouble at the same time.
const LOADS: u64 = 8;

/// How much more memory the last rounds may hold than the first ones, in KiB.
const GROWTH_MAX: u64 = 16 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).map(|minutes| minutes.parse());
    let minutes: f64 = argument.transpose()?.unwrap_or(MINUTES_DEFAULT);
    let time = Duration::try_from_secs_f64(minutes * 60.0)?;
    let rounds = ROUNDS_MIN.max(time.div_duration_f64(ROUND_MAX).ceil() as u32);
    // Panics are what this is about.
    std::panic::set_hook(Box::new(|_panic| {}));

    let node = Node::start(ClusterConfig::new("soak").port(0)).await?;
    let _inside = node.enter();
    let floor = Floor::of(&node);
    let mut memories = Vec::new();
    for number in 0..rounds {
        let deeds = round(&node, u64::from(number), time / rounds).await?;
        floor.returns(&node).await?;
        memories.push(memory());
        let started = program::SHELVES_STARTED.swap(0, Ordering::Relaxed);
        let gave_up = started.saturating_sub(program::SHELVES);
        let memory = memory();
        println!("round {number}: {deeds} deeds, {gave_up} supervisors gave up, {memory} KiB");
    }
    node.stop().await;

    let (first, last) = memories.split_at(memories.len() / 3);
    let highest = |memories: &[u64]| memories.iter().copied().max().unwrap_or(0);
    let lowest = last.iter().rev().take(first.len()).copied().min();
    let growth = lowest.unwrap_or(0).saturating_sub(highest(first));
    if growth > GROWTH_MAX {
        return Err(format!("the memory has grown by {growth} KiB: {memories:?}").into());
    }
    println!("done");
    Ok(())
}

/// Starts the program, makes trouble, and stops it: in odd rounds in the middle of the trouble. How
/// many deeds were done.
async fn round(node: &Node, number: u64, time: Duration) -> Result<u64, Box<dyn Error>> {
    let end = Instant::now() + time;
    let tasks = program::tasks();
    let root = program::start(&tasks).await?;
    let loads = (0..LOADS).map(|load| {
        let seed = number * LOADS + load + 1;
        let load = Load::new(seed, node.local().clone(), tasks.clone(), end);
        Task::spawn_unlinked(load.run())
    });
    let loads: Vec<_> = loads.collect();
    let stop = root.stop().timeout(Duration::from_secs(60));
    let mut deeds = 0;
    if number % 2 == 1 {
        sleep_until(end - time / 10).await;
        stop.await?;
        for load in loads {
            deeds += load.await?;
        }
    } else {
        for load in loads {
            deeds += load.await?;
        }
        stop.await?;
    }
    Ok(deeds)
}
