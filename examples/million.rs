//! A million processes live at once: each is started, called, counted, and stopped.
//!
//! ```text
//! cargo run --release --example million
//! cargo run --release --example million -- 100000
//! ```

use std::error::Error;
use std::fs;

use noex::Pid;
use noex::prelude::*;
use noex::task::Task;
use tokio::time::Instant;

/// How many processes there are unless an argument says otherwise.
const COUNT_DEFAULT: u64 = 1_000_000;

/// How many tasks start, call and stop them, each its share.
const SHARES: u64 = 8;

struct Idle(u64);

#[noex::server]
impl Idle {
    fn init(number: u64) -> Self {
        Self(number)
    }

    #[call]
    fn number(&self) -> u64 {
        self.0
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).map(|count| count.parse());
    let count: u64 = argument.transpose()?.unwrap_or(COUNT_DEFAULT);
    let node = Node::start(ClusterConfig::new("million").port(0)).await?;
    let _inside = node.enter();
    let before = memory();

    let began = Instant::now();
    let shares = (0..SHARES).map(|share| Task::spawn_unlinked(start(share, count)));
    let mut servers = Vec::new();
    for share in shares.collect::<Vec<_>>() {
        servers.push(share.await??);
    }
    let each = memory().saturating_sub(before) / count.max(1);
    println!(
        "{count} started in {:.1?}, {each} bytes each",
        began.elapsed()
    );
    let pids: Vec<Pid> = servers.iter().flatten().map(ServerRef::pid).collect();
    let count_live = || {
        pids.iter()
            .filter(|pid| node.local().is_alive(**pid))
            .count()
    };
    let live = count_live();
    println!("{live} live at once");

    let began = Instant::now();
    let shares = servers
        .into_iter()
        .map(|share| Task::spawn_unlinked(call(share)));
    let (mut sum, mut servers) = (0, Vec::new());
    for share in shares.collect::<Vec<_>>() {
        let (numbers, share) = share.await??;
        sum += numbers;
        servers.push(share);
    }
    println!("each called in {:.1?}", began.elapsed());

    let began = Instant::now();
    let shares = servers
        .into_iter()
        .map(|share| Task::spawn_unlinked(stop(share)));
    for share in shares.collect::<Vec<_>>() {
        share.await??;
    }
    println!("each stopped in {:.1?}", began.elapsed());
    let left = count_live();
    node.stop().await;

    if (live as u64, sum, left) != (count, (0..count).sum(), 0) {
        return Err(format!("{live} lived, their numbers add up to {sum}, {left} are left").into());
    }
    println!("done");
    Ok(())
}

async fn start(share: u64, count: u64) -> Result<Vec<ServerRef<Idle>>, StartError> {
    let mut servers = Vec::new();
    for number in (share..count).step_by(SHARES as usize) {
        servers.push(Idle::start(number).await?);
    }
    Ok(servers)
}

async fn call(servers: Vec<ServerRef<Idle>>) -> Result<(u64, Vec<ServerRef<Idle>>), CallError> {
    let mut sum = 0;
    for server in &servers {
        sum += server.number().await?;
    }
    Ok((sum, servers))
}

async fn stop(servers: Vec<ServerRef<Idle>>) -> Result<(), CallError> {
    for server in servers {
        server.stop().await?;
    }
    Ok(())
}

/// The memory that this program holds, in bytes; nothing where the system does not tell.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    size.unwrap_or(0) * 1024
}
