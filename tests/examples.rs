//! The small examples, as people run them: each ends by itself, in order and in time.

#![expect(
    clippy::disallowed_methods,
    reason = "what happens between processes is timed by the wall"
)]

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long an example may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_counter_counts() {
    let output = output_of("counter");
    assert!(output.contains("after two casts it is 42\n"), "{output}");
}

#[test]
fn late_replies_come() {
    let output = output_of("late_replies");
    assert!(output.contains("3 wait for bread\n"), "{output}");
    assert!(output.contains("3 were served\n"), "{output}");
}

#[test]
fn the_supervised_pool_goes_on_without_its_worker() {
    let output = output_of("supervised_pool");
    assert!(output.contains("60 / 0 fails: "), "{output}");
    assert!(output.contains("60 / 1 = 60, says worker 2\n"), "{output}");
    let started = output.matches("worker 2 starts\n").count();
    assert_eq!(started, 2, "{output}");
}

#[test]
fn the_application_starts_works_and_stops() {
    let output = output_of("application");
    let lines: Vec<&str> = output.lines().collect();
    let wanted = [
        "the shop opens",
        "5 loaves are in stock",
        "customer 1 has bread",
        "customer 2 has bread",
        "customer 3 has bread",
        "2 loaves are left",
        "the shop is closed",
        "done",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn the_state_machine_locks_itself() {
    let output = output_of("state_machine");
    assert!(output.contains("the visitor is in\n"), "{output}");
    assert!(output.contains("the door locks itself\n"), "{output}");
}

#[test]
fn the_tasks_end_with_their_values() {
    let output = output_of("tasks");
    assert!(output.contains("all the others cost 310\n"), "{output}");
    assert!(output.contains("a slow task was ended\n"), "{output}");
}

#[test]
fn blocking_work_is_done() {
    let output = output_of("blocking_work");
    assert!(output.contains("a thread has made it 2263\n"), "{output}");
}

#[test]
fn many_processes_live_at_once() {
    let output = output_with("million", "20000");
    assert!(output.contains("20000 live at once\n"), "{output}");
}

#[test]
fn nothing_is_left_behind_by_a_short_soak() {
    let output = output_with("soak", "0.05");
    assert!(output.contains("round 5: "), "{output}");
}

fn output_of(example: &str) -> String {
    output_with(example, "")
}

/// What the example printed, once it has ended in order. `cargo test` builds it first.
fn output_with(example: &str, argument: &str) -> String {
    let mut path = std::env::current_exe().expect("this test runs from a file");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(example);
    assert!(path.exists(), "run `cargo build --example {example}` first");
    let mut child = Command::new(path)
        .args(Some(argument).filter(|argument| !argument.is_empty()))
        .env("NOEX_PORT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the example starts");
    // A few lines: they fit into the pipe while nobody reads.
    let is_ok = wait(&mut child);
    let mut output = String::new();
    let mut pipe = child.stdout.take().expect("it is piped");
    pipe.read_to_string(&mut output)
        .expect("the example prints UTF-8");
    assert!(is_ok, "{example} failed, or took too long: {output}");
    assert_eq!(output.lines().last(), Some("done"), "{output}");
    output
}

/// Whether it ended in order and in time; it has ended in either case.
fn wait(child: &mut Child) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("it is a child") {
            return status.success();
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("it is a child");
    child.wait().expect("it is a child");
    false
}
