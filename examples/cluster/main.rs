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
mod counter;
mod crew;
mod input;
mod job;
mod ledger;
mod report;
mod words;

use std::process::ExitCode;
use std::thread;

use chunks::CHUNK_SIZE;
use input::File;
use noex::Bytes;
use words::Counts;

fn main() -> ExitCode {
    if std::env::var_os(crew::ROLE).is_some() {
        return worker();
    }
    let (files, chunks) = match prepare() {
        Ok(prepared) => prepared,
        Err(message) => return refuse(&message),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("the runtime does not start: {error}")),
    };
    let outcome = match runtime.block_on(job::run(chunks)) {
        Ok(outcome) => outcome,
        Err(job::JobError::Interrupted(signal)) => {
            eprintln!("interrupted; the worker nodes are gone");
            return ExitCode::from(128 + signal);
        }
        Err(error) => {
            eprintln!("failed: {error}");
            return ExitCode::FAILURE;
        }
    };
    report::print(&outcome);
    let equal = outcome.counts == count_whole(&files);
    let words = outcome.counts.total();
    let (killed, moved) = (outcome.killed, outcome.handed_over);
    let verdict = if equal {
        "counts equal"
    } else {
        "COUNTS DIFFER"
    };
    let state = if equal { "ok" } else { "failed" };
    println!(
        "{state}: {words} words in {} files, 3 nodes, {killed} killed, {moved} chunks handed \
         over, {verdict}",
        files.len()
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
    let (gone, coordinator_gone) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        // The pipe ends with the coordinator's process, however that ends.
        let copied = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(copied);
        drop(gone.send(()));
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

/// The count to check against: single-threaded, and without any chunks.
fn count_whole(files: &[Bytes]) -> Counts {
    let mut counts = Counts::default();
    for file in files {
        words::count(file, &mut counts);
    }
    counts
}

/// The files can't be counted, and it is up to the user.
fn refuse(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(2)
}
