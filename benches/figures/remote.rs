//! Between two processes on loopback: a server against the TCP floor.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{ClusterEvent, Secret};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::local::{Sum, SumCall, call};
use crate::tcp_floor::{self, Client};
use crate::{Figure, ROUNDS, runtime};

/// Set for the process that serves.
pub(crate) const ROLE: &str = "NOEX_FIGURES_ROLE";
const SECRET: &str = "a secret for figures only";

const CALLS: u32 = 20_000;
const CASTS: u32 = 300_000;
const CAST_SIZE: usize = 32;

/// How many casts go out before a call waits for all of them: there is no flow control between
/// nodes yet, and a mailbox holds 65,536.
const WINDOW: u32 = 16_384;

/// Killed when it is dropped.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The other process: it serves until its standard input ends.
pub(crate) fn serve(role: &str) {
    std::thread::spawn(|| {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        std::process::exit(0);
    });
    let floor = role == "floor";
    runtime().block_on(async move {
        let served = tokio::spawn(async move {
            if floor {
                serve_floor().await;
            } else {
                serve_noex().await;
            }
        });
        served.await.expect("it serves");
    });
}

async fn serve_floor() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    tcp_floor::serve(listener).await.expect("it accepts");
}

async fn serve_noex() {
    let config = ClusterConfig::new("server")
        .listen("127.0.0.1")
        .port(0)
        .secret(Secret::new(SECRET));
    let node = Node::start(config).await.expect("it starts");
    let server = Sum::start(()).on(node.local()).name(Global("sum")).await;
    server.expect("it starts");
    println!("{}", node.id());
    std::future::pending::<()>().await;
}

fn start(role: &str) -> (Served, String) {
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    let command = command
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it prints its address");
    (Served(child), line.trim().to_owned())
}

pub(crate) async fn figures() -> Vec<Figure> {
    let (_floor, address) = start("floor");
    let address: SocketAddr = address.parse().expect("it prints its address");
    let client = Client::connect(address).await.expect("it listens");

    let (_server, seed) = start("noex");
    let config = ClusterConfig::new("client").listen("127.0.0.1").port(0);
    let config = config.secret(Secret::new(SECRET)).seed(seed);
    let node = Node::start(config).await.expect("it starts");
    let mut events = node.cluster().subscribe();
    while !matches!(events.next().await, Some(Ok(ClusterEvent::NodeUp(_)))) {}
    let pid = loop {
        if let Some(pid) = node.registry().whereis("sum") {
            break pid;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let server = {
        let _inside = node.enter();
        ServerRef::<Sum>::from_pid(pid)
    };

    let mut one = Figure::new("remote call, 1 caller");
    let mut many = Figure::new("remote call, 64 callers");
    let mut more = Figure::new("remote call, 256 callers");
    let mut casts = Figure::new("remote cast of 32 bytes");
    for _ in 0..ROUNDS {
        one.ours.push(ours(&node, &server, 1).await);
        one.floor.push(floor(&client, 1).await);
        many.ours.push(ours(&node, &server, 64).await);
        many.floor.push(floor(&client, 64).await);
        more.ours.push(ours(&node, &server, 256).await);
        more.floor.push(floor(&client, 256).await);
        casts.ours.push(our_casts(&node, &server).await);
        casts.floor.push(floor_casts(&client).await);
    }
    vec![one, many, more, casts]
}

/// Starts a task of `node`.
fn spawn<F>(node: &Node, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let _inside = node.enter();
    noex::spawn(future)
}

/// How many calls `callers` make together: as many as are needed for a steady figure.
fn total(callers: u32) -> u32 {
    CALLS * callers.min(8) / callers * callers
}

async fn ours(node: &Node, server: &ServerRef<Sum>, callers: u32) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let server = server.clone();
            spawn(node, async move {
                for _ in 0..total(callers) / callers {
                    call(&server, 1).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller does not panic");
    }
    start.elapsed() / total(callers)
}

async fn floor(client: &Client, callers: u32) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..total(callers) / callers {
                    client.call(1).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller does not panic");
    }
    start.elapsed() / total(callers)
}

async fn our_casts(node: &Node, server: &ServerRef<Sum>) -> Duration {
    let server = server.clone();
    let sent = spawn(node, async move {
        let before = server
            .call(|reply| SumCall::Add(0, reply))
            .await
            .expect("it answers");
        let start = Instant::now();
        for sent in 0..CASTS {
            let mut message = noex::Bytes::from(vec![7; CAST_SIZE]);
            while let Err(refused) = server.cast(message) {
                message = refused.into_message();
                tokio::task::yield_now().await;
            }
            if sent % WINDOW == WINDOW - 1 {
                call(&server, 0).await;
            }
        }
        let after = call(&server, 0).await;
        let lost = u64::from(CASTS) - (after - before) / (CAST_SIZE as u64 + 1);
        if lost > 0 {
            println!("  {lost} of {CASTS} casts found a full mailbox and were dropped");
        }
        start.elapsed() / CASTS
    });
    sent.await.expect("it does not panic")
}

async fn floor_casts(client: &Client) -> Duration {
    let start = Instant::now();
    for sent in 0..CASTS {
        client.cast(vec![7; CAST_SIZE]).await;
        if sent % WINDOW == WINDOW - 1 {
            client.call(0).await;
        }
    }
    client.call(0).await;
    start.elapsed() / CASTS
}
