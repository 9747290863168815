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

use std::process::ExitCode;

use echo::{Echo, EchoCall};
use noex::prelude::*;
use noex::{ClusterEvent, Events};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

const USAGE: &str =
    "usage: node --name NAME [--port PORT] [--listen HOST] [--seed [NAME@]HOST:PORT]…";
const HELP: &str = "nodes | names | start NAME | call NAME MSG | stop NAME | quit";

#[tokio::main]
async fn main() -> ExitCode {
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
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{} is up; {HELP}", node.id());
    let events = node.cluster().subscribe();
    let input = BufReader::new(tokio::io::stdin()).lines();
    let _inside = node.enter();
    tokio::select! {
        () = prompt(&node, input) => {}
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

async fn prompt(node: &Node, mut input: Lines<BufReader<Stdin>>) {
    while let Ok(Some(line)) = input.next_line().await {
        let mut words = line.trim().splitn(3, ' ');
        let answer = match (words.next(), words.next(), words.next()) {
            (None | Some(""), ..) => continue,
            (Some("quit"), None, None) => return,
            (Some("nodes"), None, None) => nodes(node),
            (Some("names"), None, None) => names(node),
            (Some("start"), Some(name), None) => start(name).await,
            (Some("call"), Some(name), Some(message)) => call(name, message).await,
            (Some("stop"), Some(name), None) => stop(name).await,
            _ => format!("not understood; {HELP}"),
        };
        println!("{answer}");
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
    let names = node.registry().names().into_iter().map(|(name, pid)| {
        let home = node.local().node_of(pid.creation());
        let home = home.map_or_else(|| "a node that is gone".to_owned(), |home| home.to_string());
        format!("{name} {pid} on {home}")
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        "no names".to_owned()
    } else {
        names.join("\n")
    }
}

async fn start(name: &str) -> String {
    match Echo::start(()).name(Global(name.to_owned())).await {
        Ok(server) => format!("{name} started as {}", server.pid()),
        Err(error) => format!("{name} not started: {error}"),
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
        match event {
            Ok(ClusterEvent::NodeUp(info)) => println!("[+] {}", info.id),
            Ok(ClusterEvent::NodeDown { id, reason }) => println!("[-] {id} ({reason})"),
            Ok(_) => {}
            Err(missed) => println!("[?] {missed} events missed"),
        }
    }
}
