//! The main job: a cluster of three processes counts words, and one of them is killed.
//!
//! ```text
//! cargo run --release --example cluster [-- FILE…]
//! ```
//!
//! This process is the coordinator's node. It starts two more processes of itself as worker nodes
//! with a secret made for the run. A `DistributedSupervisor` keeps the word counters on them under
//! global names; the coordinator hands chunks of text to those names. One worker node is killed
//! while it holds unfinished chunks: `node_down` tells, its counters come up on the other node,
//! its chunks are handed over, and in the end the counts equal those of a plain count.

mod chunks;
mod coordinator;
mod counter;
mod crew;
mod input;
mod job;
mod kill;
mod ledger;
mod report;
mod words;

use std::process::ExitCode;
use std::thread;

use chunks::CHUNK_SIZE;
use input::File;
use noex::Bytes;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use words::Counts;

fn main() -> ExitCode {
    if std::env::var_os(crew::ROLE).is_some() {
        return worker();
    }
    let (files, chunks) = match prepare() {
        Ok(prepared) => prepared,
        Err(message) => return refuse(&message),
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime does not start: {error}")),
    };
    runtime.block_on(until_signal(count(files, chunks)))
}

/// What `job` comes to, unless a signal asks to end before.
async fn until_signal(job: impl Future<Output = ExitCode>) -> ExitCode {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        return fail("signals can't be caught");
    };
    let signal = tokio::select! {
        code = job => return code,
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    };
    // The job was dropped, and with it the crew.
    eprintln!("interrupted; the worker nodes are gone");
    let code = 128 + signal.as_raw_value();
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Counts in the cluster and then without it; the last line tells whether that is the same.
async fn count(files: Vec<Bytes>, chunks: Vec<Bytes>) -> ExitCode {
    let outcome = match job::run(chunks).await {
        Ok(outcome) => outcome,
        Err(error) => return fail(&error.to_string()),
    };
    report::print(&outcome);
    let equal = outcome.counts == count_plainly(files.clone()).await;
    let (state, verdict) = if equal {
        ("ok", "counts equal")
    } else {
        ("failed", "COUNTS DIFFER")
    };
    println!(
        "{state}: {} words in {} files, 3 nodes, {} killed, {} chunks handed over, {verdict}",
        outcome.counts.total(),
        files.len(),
        outcome.killed,
        outcome.handed_over,
    );
    if equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A worker node: it does what other nodes start on it, until the coordinator is gone.
#[noex::main(worker_threads = 2)]
async fn worker() {
    let (gone, coordinator_gone) = oneshot::channel::<()>();
    thread::spawn(move || {
        // The pipe ends with the coordinator's process, however that ends.
        let copied = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(copied);
        drop(gone);
    });
    tokio::select! {
        _ = coordinator_gone => {}
        () = noex::until_stopped() => {}
    }
}

/// The files and their chunks.
fn prepare() -> Result<(Vec<Bytes>, Vec<Bytes>), String> {
    let files = input::read(std::env::args_os().skip(1)).map_err(|error| error.to_string())?;
    let mut texts = Vec::new();
    let mut pieces = Vec::new();
    for File { path, bytes } in files {
        let text = Bytes::from(bytes);
        let ranges = chunks::cut(&text, CHUNK_SIZE)
            .map_err(|error| format!("can't cut {}: {error}", path.display()))?;
        pieces.extend(ranges.into_iter().map(|range| text.slice(range)));
        texts.push(text);
    }
    Ok((texts, pieces))
}

/// The count to check against: on one thread, and without any chunks.
async fn count_plainly(files: Vec<Bytes>) -> Counts {
    let (counted, counts) = oneshot::channel();
    // A thread, so that a signal need not wait for a large file.
    thread::spawn(move || {
        let mut counts = Counts::default();
        for file in files {
            words::count(&file, &mut counts);
        }
        drop(counted.send(counts));
    });
    counts.await.expect("the thread counts to the end")
}

fn refuse(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(2)
}

fn fail(message: &str) -> ExitCode {
    eprintln!("failed: {message}");
    ExitCode::FAILURE
}
