//! The smallest server: it holds a number. Others ask for the number, or tell it to grow.

use noex::prelude::*;

struct Counter {
    n: u64,
}

#[noex::server]
impl Counter {
    fn init(start: u64) -> Self {
        Self { n: start }
    }

    /// A call: whoever asks waits for the answer.
    #[call]
    fn get(&self) -> u64 {
        self.n
    }

    /// A cast: nobody waits.
    #[cast]
    fn add(&mut self, by: u64) {
        self.n += by;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Port 0: any free one of this machine.
    let node = Node::start(ClusterConfig::new("counter").port(0)).await?;
    let _inside = node.enter();

    let counter = Counter::start(40).name(Global("counter")).await?;
    println!("it starts at {}", counter.get().await?);
    counter.add(1)?;
    // Any node of the cluster can use the name in the place of the reference.
    Global("counter").add(1)?;
    println!("after two casts it is {}", counter.get().await?);

    node.stop().await;
    println!("done");
    Ok(())
}
