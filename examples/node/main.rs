//! A node by hand: several terminals make a cluster.
//!
//! ```text
//! cargo run --example node -- --name a --port 4369
//! cargo run --example node -- --name b --port 4370 --seed a@127.0.0.1:4369
//! ```
//!
//! At the prompt: `nodes`, `names`, `start NAME`, `call NAME MSG`, `stop NAME`, `quit`. A name that
//! one node started is called from every node. A secret comes from `NOEX_SECRET`.

mod echo;

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;

use echo::{Echo, EchoCall};
use noex::prelude::*;
use noex::{ClusterEvent, Events, Pid, StartError};
use tokio::sync::mpsc;

const USAGE: &str =
    "usage: node [--name NAME] [--port PORT] [--listen HOST] [--seed [NAME@]HOST:PORT]…";
const HELP: &str = "nodes | names | start NAME | call NAME MSG | stop NAME | quit";

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args()
        .skip(1)
        .any(|argument| argument == "--help")
    {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let config = match configure(std::env::args().skip(1)) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let node = match Node::start(config).await {
        Ok(node) => node,
        Err(error) => {
            eprintln!("the node does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{} is up; {HELP}", node.id());
    let events = node.cluster().subscribe();
    let _inside = node.enter();
    tokio::select! {
        () = prompt(&node, read_lines()) => {}
        () = narrate(events) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    node.stop().await;
    ExitCode::SUCCESS
}

/// The environment's configuration, with what the command line says in its place.
fn configure(mut arguments: impl Iterator<Item = String>) -> Result<ClusterConfig, String> {
    let mut config = ClusterConfig::from_env().map_err(|error| error.to_string())?;
    while let Some(flag) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{flag} needs a value"))?;
        config = match flag.as_str() {
            "--name" => config.name(value),
            "--listen" => config.listen(value),
            "--seed" => config.seed(value),
            "--port" => {
                let port = value.parse();
                config.port(port.map_err(|_no_port| format!("`{value}` is no port"))?)
            }
            _ => return Err(format!("unknown argument {flag}")),
        };
    }
    Ok(config)
}

/// The lines that are typed, read on a thread: the end of the program need not wait for one.
fn read_lines() -> mpsc::Receiver<String> {
    let (tx, lines) = mpsc::channel(1);
    thread::spawn(move || {
        let mut typed = std::io::stdin().lock().lines().map_while(Result::ok);
        typed.all(|line| tx.blocking_send(line).is_ok())
    });
    lines
}

async fn prompt(node: &Node, mut lines: mpsc::Receiver<String>) {
    show_prompt();
    while let Some(line) = lines.recv().await {
        let (command, rest) = split_word(&line);
        let (name, message) = split_word(rest);
        let answer = match (command, name, message) {
            ("quit", "", _) => return,
            ("", ..) => None,
            ("nodes", "", _) => Some(nodes(node)),
            ("names", "", _) => Some(names(node)),
            ("start", name, "") if !name.is_empty() => Some(start(node, name).await),
            ("call", name, message) if !message.is_empty() => Some(call(name, message).await),
            ("stop", name, "") if !name.is_empty() => Some(stop(name).await),
            _ => Some(format!("not understood; {HELP}")),
        };
        if let Some(answer) = answer {
            println!("{answer}");
        }
        show_prompt();
    }
}

/// The first word, and what follows it.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// Asks a person for the next command; a program knows.
fn show_prompt() {
    if std::io::stdin().is_terminal() {
        print!("> ");
        // Without a prompt everything works as well.
        drop(std::io::stdout().flush());
    }
}

fn nodes(node: &Node) -> String {
    let mut lines = vec![format!("{} (this node)", node.id())];
    lines.extend(node.cluster().nodes().iter().map(|info| {
        let (ago, processes) = (info.last_heartbeat_ago, info.process_count);
        format!(
            "{} {}, {processes} processes, heard {ago:.1?} ago",
            info.id, info.status
        )
    }));
    lines.join("\n")
}

fn names(node: &Node) -> String {
    let names = node.registry().names().into_iter();
    let names: Vec<String> = names
        .map(|(name, pid)| format!("{name} is {}", describe(node, pid)))
        .collect();
    if names.is_empty() {
        "no names".to_owned()
    } else {
        names.join("\n")
    }
}

async fn start(node: &Node, name: &str) -> String {
    // The server outlives the line that was typed.
    let its_own = String::from(name);
    match Echo::start(()).name(Global(its_own)).await {
        Ok(server) => format!("{name} started as {}", server.pid()),
        Err(StartError::AlreadyStarted(pid)) => {
            format!("{name} is taken: it is {}", describe(node, pid))
        }
        Err(error) => format!("{name} not started: {error}"),
    }
}

/// A process and where it runs.
fn describe(node: &Node, pid: Pid) -> String {
    match node.local().node_of(pid.creation()) {
        Some(home) => format!("{pid} on {home}"),
        None => format!("{pid} on a node that is gone"),
    }
}

async fn call(name: &str, message: &str) -> String {
    let say = |reply| EchoCall::Say(message.to_owned(), reply);
    match Echo::call(Global(name), say).await {
        Ok(answer) => answer,
        Err(error) => format!("no answer from {name}: {error}"),
    }
}

async fn stop(name: &str) -> String {
    match Echo::stop(Global(name)).await {
        Ok(()) => format!("{name} stopped"),
        Err(error) => format!("{name} not stopped: {error}"),
    }
}

/// Tells of nodes that come and go.
async fn narrate(mut events: Events) {
    while let Some(event) = events.next().await {
        let news = match event {
            Ok(ClusterEvent::NodeUp(info)) => format!("[+] {}", info.id),
            Ok(ClusterEvent::NodeDown { id, reason }) => format!("[-] {id} ({reason})"),
            Ok(_) => continue,
            Err(missed) => format!("[?] {missed}"),
        };
        let over_the_prompt = if std::io::stdin().is_terminal() {
            "\r"
        } else {
            ""
        };
        println!("{over_the_prompt}{news}");
        show_prompt();
    }
}
