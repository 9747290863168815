//! Tasks: processes that compute one value each. Some at once, many under a limit, and one that
//! fails without harm to others.

use std::num::NonZeroUsize;
use std::time::Duration;

use noex::prelude::*;
use noex::task::{Task, await_many};

/// Stands for something slow, such as a request to another service.
async fn price(item: &'static str) -> usize {
    tokio::time::sleep(Duration::from_millis(50)).await;
    item.len() * 10
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::start(ClusterConfig::new("tasks").port(0)).await?;
    let _inside = node.enter();

    // Two at once.
    let tasks = ["tea", "milk"].map(|item| Task::spawn(price(item)));
    let prices: Result<Vec<_>, _> = await_many(tasks).await.into_iter().collect();
    let prices = prices.map_err(|reason| reason.to_string())?;
    println!("tea and milk cost {prices:?}");

    // Many, at most three at once; the prices come in the order of the items.
    let items = ["bread", "butter", "jam", "salt", "pepper", "oil", "rice"];
    let three = NonZeroUsize::new(3).ok_or("three is not zero")?;
    let mut stream = Task::async_stream(items, three, price);
    let mut sum = 0;
    while let Some(price) = stream.next().await {
        sum += price.map_err(|reason| reason.to_string())?;
    }
    println!("all the others cost {sum}");

    // A failure is a value, too.
    let failing = Task::spawn_unlinked(async {
        let prices: [usize; 0] = [];
        prices.iter().max().copied().expect("there is a price")
    });
    if let Err(ExitReason::Panic(panic)) = failing.await {
        println!("a task failed: {}", panic.message);
    }

    // Who has waited long enough ends the task.
    let mut slow = Task::spawn_unlinked(std::future::pending::<()>());
    if slow.yield_for(Duration::from_millis(50)).await.is_none() {
        slow.shutdown(Duration::from_secs(1)).await;
        println!("a slow task was ended");
    }

    node.stop().await;
    println!("done");
    Ok(())
}
