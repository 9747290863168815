//! A server that answers later: who asks for bread waits until some is baked. Meanwhile the server
//! serves others.

use std::collections::VecDeque;
use std::time::Duration;

use noex::prelude::*;
use noex::task::{Task, await_many};

#[derive(Default)]
struct Bakery {
    loaves: VecDeque<String>,
    waiting: VecDeque<ReplyTo<String>>,
}

#[noex::server]
impl Bakery {
    fn init() -> Self {
        Self::default()
    }

    /// The reply is sent when there is a loaf, by whichever handler that may be.
    #[call]
    fn buy(&mut self, reply: ReplyTo<String>) {
        self.waiting.push_back(reply);
        self.serve();
    }

    #[call]
    fn queue_length(&self) -> usize {
        self.waiting.len()
    }

    #[cast]
    fn bake(&mut self, loaf: String) {
        self.loaves.push_back(loaf);
        self.serve();
    }

    fn serve(&mut self) {
        while !self.waiting.is_empty()
            && let Some(loaf) = self.loaves.pop_front()
            && let Some(reply) = self.waiting.pop_front()
        {
            reply.send(loaf);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::start(ClusterConfig::new("bakery").port(0)).await?;
    let _inside = node.enter();

    let bakery = Bakery::start(()).await?;
    let customers = ["Ann", "Bob", "Cem"].map(|name| {
        let bakery = bakery.clone();
        Task::spawn(async move {
            let loaf = bakery.buy().await?;
            println!("{name} goes home with {loaf}");
            Ok::<_, CallError>(())
        })
    });
    while bakery.queue_length().await? < customers.len() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("{} wait for bread", bakery.queue_length().await?);

    for loaf in ["a rye loaf", "a baguette", "a pretzel"] {
        bakery.bake(loaf.to_owned())?;
    }
    let served = await_many(customers).await;
    println!("{} were served", served.iter().flatten().count());

    node.stop().await;
    println!("done");
    Ok(())
}
