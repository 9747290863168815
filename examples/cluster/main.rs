//! Counts the words of the files named, or of this repository.

mod chunks;
mod input;
mod words;

use std::process::ExitCode;

use chunks::CHUNK_SIZE;
use input::File;
use words::Counts;

/// How many of the most frequent words are shown.
const TOP: usize = 10;

fn main() -> ExitCode {
    let files = match input::read(std::env::args_os().skip(1)) {
        Ok(files) => files,
        Err(error) => return refuse(&error.to_string()),
    };
    let mut counts = Counts::default();
    let mut chunk_count = 0;
    for file in &files {
        match count_chunks(file, &mut counts) {
            Ok(count) => chunk_count += count,
            Err(error) => return refuse(&format!("can't cut {}: {error}", file.path.display())),
        }
    }
    for (word, count) in counts.top(TOP) {
        println!("{count:>9}  {word}");
    }
    let (total, distinct) = (counts.total(), counts.distinct());
    println!(
        "{total} words, {distinct} different, {} files, {chunk_count} chunks",
        files.len()
    );

    if counts == count_whole(&files) {
        println!("the same as the single-threaded count");
        ExitCode::SUCCESS
    } else {
        eprintln!("not the same as the single-threaded count");
        ExitCode::FAILURE
    }
}

/// Counts chunk by chunk, as workers do, and says how many there were.
fn count_chunks(file: &File, counts: &mut Counts) -> Result<usize, chunks::WordTooLong> {
    let ranges = chunks::cut(&file.bytes, CHUNK_SIZE)?;
    let count = ranges.len();
    for range in ranges {
        let mut part = Counts::default();
        words::count(&file.bytes[range], &mut part);
        counts.merge(part);
    }
    Ok(count)
}

/// The count to check against: single-threaded, and without any chunks.
fn count_whole(files: &[File]) -> Counts {
    let mut counts = Counts::default();
    for file in files {
        words::count(&file.bytes, &mut counts);
    }
    counts
}

/// The files can't be counted, and it is up to the user.
fn refuse(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(2)
}
