//! `examples/node`, driven through pipes as a person would drive it in two terminals.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long what should happen soon may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A node in a process of its own; killed when it is dropped.
struct Terminal {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    id: String,
}

/// The program that `examples/node` is built to. `cargo test` builds it first.
fn program() -> Command {
    let mut path: PathBuf = std::env::current_exe().expect("this test runs from a file");
    path.pop();
    path.pop();
    path.push("examples/node");
    assert!(path.exists(), "run `cargo build --example node` first");
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("NOEX_") {
            command.env_remove(variable);
        }
    }
    command
}

impl Terminal {
    /// Starts a node on a free port, and waits until it is up.
    fn open(arguments: &[&str]) -> Self {
        let mut child = program()
            .args(["--port", "0"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the node's program starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (tx, lines) = channel();
        std::thread::spawn(move || {
            let mut said = output.lines().map_while(Result::ok);
            said.all(|line| tx.send(line).is_ok())
        });
        let mut terminal = Self {
            child,
            input,
            lines,
            id: String::new(),
        };
        let up = terminal.line();
        let (id, help) = up.split_once(" is up; ").expect(&up);
        assert_eq!(
            help,
            "nodes | names | start NAME | call NAME MSG | stop NAME | quit"
        );
        terminal.id = id.to_owned();
        terminal
    }

    fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.expect("the node says something more")
    }

    fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it is piped");
        writeln!(input, "{line}").expect("the node reads its input");
    }

    /// Types a command, and gives the line that it answers.
    fn ask(&mut self, command: &str) -> String {
        self.type_line(command);
        self.line()
    }

    /// Asks until the answer pleases: news of names takes a moment from node to node.
    fn ask_until(&mut self, command: &str, is_it: impl Fn(&str) -> bool) -> String {
        #[expect(clippy::disallowed_methods, reason = "processes are timed by the wall")]
        let now = std::time::Instant::now;
        let deadline = now() + PATIENCE;
        loop {
            let answer = self.ask(command);
            if is_it(&answer) {
                return answer;
            }
            assert!(now() < deadline, "`{command}` still says `{answer}`");
        }
    }

    /// Ends the input; whether the program ended with code 0.
    fn close(mut self) -> bool {
        drop(self.input.take());
        self.child.wait().expect("it ends").success()
    }

    /// Quits; whether the program ended with code 0.
    fn quit(mut self) -> bool {
        self.type_line("quit");
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended can't be killed, and need not be.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Two nodes that see each other.
fn two_nodes() -> (Terminal, Terminal) {
    let a = Terminal::open(&["--name", "a"]);
    let b = Terminal::open(&["--name", "b", "--seed", &a.id]);
    assert_eq!(a.line(), format!("[+] {}", b.id));
    assert_eq!(b.line(), format!("[+] {}", a.id));
    (a, b)
}

fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output: Output = program()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the node's program starts");
    assert_eq!(output.stdout, b"");
    let errors = String::from_utf8(output.stderr).expect("errors are UTF-8");
    (output.status.code(), errors)
}

#[test]
fn a_name_that_one_node_starts_is_called_and_stopped_from_the_other() {
    let (mut a, mut b) = two_nodes();
    assert_eq!(b.ask("names"), "no names");
    let started = a.ask("start hello");
    let pid = started.strip_prefix("hello started as ").expect(&started);

    let home = format!("hello is {pid} on {}", a.id);
    assert_eq!(b.ask_until("names", |answer| answer != "no names"), home);
    assert_eq!(a.ask("names"), home);
    assert_eq!(
        b.ask("call hello world"),
        format!("world (call 1 on {})", a.id)
    );
    assert_eq!(
        b.ask("  call   hello   big  wide world "),
        format!("big  wide world (call 2 on {})", a.id)
    );
    assert_eq!(
        b.ask("start hello"),
        format!("hello is taken: it is {pid} on {}", a.id)
    );

    assert_eq!(b.ask("stop hello"), "hello stopped");
    let gone = "no answer from hello: no such process";
    assert_eq!(b.ask("call hello world"), gone);
    assert_eq!(a.ask("call hello world"), gone);
}

#[test]
fn both_nodes_list_both_and_see_the_other_quit() {
    let (mut a, mut b) = two_nodes();
    let (id_a, id_b) = (a.id.clone(), b.id.clone());
    for (this, other) in [(&mut a, &id_b), (&mut b, &id_a)] {
        assert_eq!(this.ask("nodes"), format!("{} (this node)", this.id));
        let line = this.line();
        assert!(line.starts_with(&format!("{other} ")), "{line}");
    }
    assert!(b.quit());
    assert_eq!(a.line(), format!("[-] {id_b} (graceful_shutdown)"));
    assert!(a.quit());
}

#[test]
fn what_is_not_a_command_is_answered_with_the_commands() {
    let mut node = Terminal::open(&["--name", "a"]);
    for line in ["foo", "start", "call hello", "stop a b", "nodes x"] {
        let answer = node.ask(line);
        assert!(
            answer.starts_with("not understood; nodes | names | "),
            "{answer}"
        );
    }
    node.type_line("");
    assert_eq!(node.ask("names"), "no names");
}

#[test]
fn a_node_ends_in_order_when_its_input_does() {
    let (a, b) = two_nodes();
    let id = b.id.clone();
    assert!(b.close());
    assert_eq!(a.line(), format!("[-] {id} (graceful_shutdown)"));
}

#[test]
fn wrong_arguments_are_answered_with_the_usage() {
    for (arguments, cause) in [
        (&["--bogus", "x"][..], "unknown argument --bogus"),
        (&["--name"], "--name needs a value"),
        (&["--port", "many"], "`many` is no port"),
    ] {
        let (code, errors) = refused(arguments);
        assert_eq!(code, Some(2));
        let (first, usage) = errors.split_once('\n').expect(&errors);
        assert_eq!(first, cause);
        assert!(usage.starts_with("usage: node "), "{usage}");
    }
}

#[test]
fn a_wrong_seed_is_answered_with_its_form() {
    let (code, errors) = refused(&["--port", "0", "--seed", "foo"]);
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("seed `foo`: `:port` is missing"),
        "{errors}"
    );
    assert!(
        errors.contains("a seed is name@host:port or host:port"),
        "{errors}"
    );
}

#[test]
fn a_port_in_use_is_named() {
    let node = Terminal::open(&["--name", "a"]);
    let (_, port) = node.id.rsplit_once(':').expect("an id ends with its port");
    let (code, errors) = refused(&["--port", port]);
    assert_eq!(code, Some(1));
    let cause = format!("can't listen on 127.0.0.1:{port}: Address already in use");
    assert!(errors.contains(&cause), "{errors}");
}
