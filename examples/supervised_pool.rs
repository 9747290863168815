//! A pool of workers that a supervisor keeps alive: one of them panics, and the pool goes on.

use std::time::Duration;

use noex::ChildSpec;
use noex::prelude::*;

const WORKERS: u64 = 3;

struct Worker;

#[noex::server]
impl Worker {
    fn init(number: u64) -> Self {
        println!("worker {number} starts");
        Self
    }

    /// A division by zero panics, and ends this worker alone.
    #[call]
    fn divide(&self, a: u64, b: u64) -> u64 {
        a / b
    }
}

fn worker(number: u64) -> Global<String> {
    Global(format!("worker-{number}"))
}

/// Asks a worker, and asks again while it is being started anew.
async fn divide(number: u64, a: u64, b: u64) -> Result<u64, CallError> {
    loop {
        match worker(number).divide(a, b).await {
            Err(CallError::NoProcess) => tokio::time::sleep(Duration::from_millis(5)).await,
            outcome => return outcome,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::start(ClusterConfig::new("pool").port(0)).await?;
    let _inside = node.enter();

    let specs = (0..WORKERS).map(|number| {
        let start = move || Worker::start(number).name(worker(number));
        ChildSpec::new(format!("worker-{number}"), start)
    });
    let pool = Supervisor::builder()
        .intensity(3, Duration::from_secs(5))
        .children(specs)
        .start()
        .await?;

    for (job, divisor) in [6, 5, 0, 3, 2, 1].into_iter().enumerate() {
        let number = job as u64 % WORKERS;
        match divide(number, 60, divisor).await {
            Ok(quotient) => println!("60 / {divisor} = {quotient}, says worker {number}"),
            Err(error) => println!("60 / {divisor} fails: {error}"),
        }
    }

    pool.stop().await?;
    node.stop().await;
    println!("done");
    Ok(())
}
