//! The main job, `examples/cluster`, as people run it: its exit codes, its last line, and that it
//! leaves no process behind.

#![expect(
    clippy::disallowed_methods,
    reason = "what happens between processes is timed by the wall"
)]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// How long what should happen soon may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a run of the job came to.
struct Run {
    code: Option<i32>,
    output: String,
    errors: String,
}

impl Run {
    fn last_line(&self) -> &str {
        self.output.lines().last().unwrap_or_default()
    }
}

/// A folder of this test alone.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).expect("the test's folder can be made");
    folder
}

/// Writes files of these contents, and gives their paths.
fn files<T: AsRef<[u8]>>(test: &str, contents: impl IntoIterator<Item = T>) -> Vec<PathBuf> {
    let folder = folder(test);
    let write = |(number, bytes): (usize, T)| {
        let path = folder.join(format!("{number}.txt"));
        fs::write(&path, bytes).expect("the test's folder can be written");
        path
    };
    contents.into_iter().enumerate().map(write).collect()
}

/// The program that `examples/cluster` is built to. `cargo test` builds it first.
fn job() -> Command {
    let mut path = std::env::current_exe().expect("this test runs from a file");
    path.pop();
    path.pop();
    path.push("examples/cluster");
    assert!(path.exists(), "run `cargo build --example cluster` first");
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    let output = job().args(arguments).output().expect("the job starts");
    let text = |bytes| String::from_utf8(bytes).expect("the job prints UTF-8");
    Run {
        code: output.status.code(),
        output: text(output.stdout),
        errors: text(output.stderr),
    }
}

/// The numbers of the last line: words, files, killed and handed over.
fn numbers(line: &str) -> [u64; 4] {
    let rest = line.strip_prefix("ok: ").expect(line);
    let rest = rest.strip_suffix(" chunks handed over, counts equal");
    let numbers = rest
        .expect(line)
        .split(|c: char| !c.is_ascii_digit())
        .filter(|number| !number.is_empty());
    let numbers = numbers.map(|number| number.parse().expect(line));
    let numbers: Vec<u64> = numbers.collect();
    let [words, files, _nodes, killed, moved] = numbers.try_into().expect(line);
    let expected = format!(
        "ok: {words} words in {files} files, 3 nodes, {killed} killed, {moved} chunks handed \
         over, counts equal"
    );
    assert_eq!(line, expected);
    [words, files, killed, moved]
}

#[test]
fn the_text_of_this_repository_is_counted_while_a_node_is_killed() {
    let run = run([""; 0]);
    assert_eq!(run.code, Some(0), "{}", run.errors);
    let [words, files, killed, moved] = numbers(run.last_line());
    assert!(words > 50_000 && files > 100, "{}", run.last_line());
    assert_eq!(killed, 1);
    assert!(moved >= 1);
    for said in [
        "worker-1@127.0.0.1:",
        ": killed with ",
        ": down, connection_closed, noticed ",
        "counter-1: up again on worker-2@",
        "counter-3: up again on worker-2@",
    ] {
        assert!(run.output.contains(said), "`{said}` in {}", run.output);
    }
}

#[test]
fn six_tiny_files_are_enough_for_a_kill() {
    let paths = files("six", (0..6).map(|number| format!("word{number} same")));
    let run = run(paths);
    assert_eq!(run.code, Some(0), "{}", run.errors);
    let [words, files, killed, moved] = numbers(run.last_line());
    assert_eq!([words, files, killed], [12, 6, 1]);
    assert!(moved >= 1);
}

#[test]
fn with_fewer_than_six_chunks_nothing_is_killed() {
    let paths = files("five", ["a", "b", "c", "d", "To be, or not to be"]);
    let run = run(paths);
    assert_eq!(run.code, Some(0), "{}", run.errors);
    assert_eq!(numbers(run.last_line()), [10, 5, 0, 0]);
    assert!(run.output.contains("          2  be\n"), "{}", run.output);
}

#[test]
fn an_empty_file_holds_no_words() {
    let run = run(files("empty", [""]));
    assert_eq!(run.code, Some(0), "{}", run.errors);
    assert_eq!(numbers(run.last_line()), [0, 1, 0, 0]);
}

#[test]
fn bytes_that_are_not_utf8_are_counted_all_the_same() {
    // A linear congruence; any bytes will do.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    })
    .take(500_000)
    .collect();
    assert!(std::str::from_utf8(&noise).is_err());
    let run = run(files("noise", [noise]));
    assert_eq!(run.code, Some(0), "{}", run.errors);
    let [words, files, killed, moved] = numbers(run.last_line());
    assert!(words > 10_000 && moved >= 1, "{}", run.last_line());
    assert_eq!([files, killed], [1, 1]);
}

#[test]
fn a_missing_file_is_named_before_any_node_starts() {
    let mut paths = files("missing", ["here"]);
    paths.push(folder("missing").join("not-here.txt"));
    let run = run(paths);
    assert_eq!(run.code, Some(2));
    assert!(run.errors.contains("not-here.txt: "), "{}", run.errors);
    assert_eq!(run.errors.lines().count(), 1, "{}", run.errors);
    assert_eq!(run.output, "");
}

#[test]
fn a_folder_is_named_as_one() {
    let run = run([folder("folder")]);
    assert_eq!((run.code, &*run.output), (Some(2), ""));
    assert!(run.errors.contains("directory"), "{}", run.errors);
}

#[test]
fn a_job_that_is_interrupted_half_way_leaves_no_process() {
    assert_eq!(code_after(Signal::INT), Some(130));
}

#[test]
fn a_job_that_is_terminated_half_way_leaves_no_process() {
    assert_eq!(code_after(Signal::TERM), Some(143));
}

#[test]
fn the_workers_of_a_killed_job_end_by_themselves() {
    assert_eq!(code_after(Signal::KILL), None);
}

/// Sends the job this signal when the first quarter is counted, waits until neither it nor any of
/// its workers runs, and gives its exit code.
fn code_after(signal: Signal) -> Option<i32> {
    let text = "so many words that it takes a while ".repeat(400_000);
    let paths = files(&format!("signal-{}", signal.as_raw()), [text]);
    let mut job = job()
        .args(paths)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the job starts");
    let errors = BufReader::new(job.stderr.take().expect("it is piped"));
    let mut lines = errors.lines().map_while(Result::ok);
    let progress = lines.next().expect("the job tells how far it is");
    assert!(progress.ends_with(" chunks"), "{progress}");

    let workers = children_of(job.id());
    assert_eq!(workers.len(), 2, "after {progress}");
    kill_process(Pid::from_child(&job), signal).expect("the job runs");
    let code = job.wait().expect("it ends").code();
    let deadline = Instant::now() + PATIENCE;
    while workers.iter().any(|worker| is_alive(*worker)) {
        assert!(Instant::now() < deadline, "workers outlive their job");
        std::thread::yield_now();
    }
    code
}

fn children_of(parent: u32) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").expect("this is Linux");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number| status(*number).is_some_and(|(_, of)| of == parent))
        .filter_map(Pid::from_raw)
        .collect()
}

/// Whether a process runs; one that has ended may still wait for whoever inherits it.
fn is_alive(process: Pid) -> bool {
    let ended = |(state, _)| state == 'Z' || state == 'X';
    test_kill_process(process).is_ok() && !status(process.as_raw_nonzero().get()).is_none_or(ended)
}

/// A process's state and its parent, if there is such a process.
fn status(process: i32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before the last bracket may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}
