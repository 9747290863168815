//! `init`, `#[continue_]`, `#[terminate]`, and options that leave a server as it is.

use std::fmt;

use noex::prelude::*;
use tokio::sync::mpsc::{Sender, channel};

use crate::pair::alone;

/// Tells what happens to it.
struct Witness {
    told: Sender<String>,
    step: u32,
}

/// Why there is no witness.
struct NoName;

impl fmt::Display for NoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a witness has a name")
    }
}

#[noex::server(protocol = "witness")]
impl Witness {
    fn init(name: &'static str, told: Sender<String>) -> Result<Self, NoName> {
        if name.is_empty() {
            return Err(NoName);
        }
        Ok(Self { told, step: 0 })
    }

    #[continue_]
    async fn begin(&mut self, cx: &mut Context<Self>) {
        tokio::task::yield_now().await;
        self.tell(format!("begun: {}", cx.node().id().name())).await;
    }

    #[call]
    #[cfg(any())]
    fn never_compiled(&self, nothing: Nothing) {}

    #[call]
    async fn r#move(&mut self, r#type: u32) -> u32 {
        self.step += r#type;
        self.tell(format!("step {}", self.step)).await;
        self.step
    }

    #[terminate]
    async fn bye(&mut self, reason: &ExitReason) {
        self.tell(format!("ended: {reason}")).await;
    }

    async fn tell(&self, what: String) {
        self.told.send(what).await.expect("the test listens");
    }
}

/// Stops before the first message.
struct ShortLived;

#[noex::server]
impl ShortLived {
    fn init() -> Self {
        Self
    }

    #[call]
    fn lives(&self) -> bool {
        true
    }

    #[continue_]
    fn go(&self) -> Flow {
        Flow::Stop(ExitReason::Normal)
    }

    #[terminate]
    fn terminate(&mut self) {}
}

#[tokio::test]
async fn a_server_begins_behind_init_and_ends_with_terminate() {
    let node = alone().await;
    let _inside = node.enter();
    let (told, mut heard) = channel(8);
    let witness = Witness::start(("w", told)).await.expect("it starts");
    assert_eq!(witness.r#move(2).await, Ok(2));
    witness.stop().await.expect("it stops");
    drop(witness);
    let mut all = Vec::new();
    while let Some(what) = heard.recv().await {
        all.push(what);
    }
    assert_eq!(all, ["begun: a", "step 2", "ended: normal"]);
    node.stop().await;
}

#[tokio::test]
async fn any_error_of_init_that_can_be_said_is_a_reason() {
    let node = alone().await;
    let _inside = node.enter();
    let (told, _heard) = channel(1);
    let failed = Witness::start(("", told)).await;
    let reason = ExitReason::error("a witness has a name");
    assert_eq!(failed.map(drop), Err(StartError::Init(reason)));
    node.stop().await;
}

#[tokio::test]
async fn a_server_can_end_before_its_first_message() {
    let node = alone().await;
    let _inside = node.enter();
    let server = ShortLived::start(()).await.expect("it starts");
    assert!(server.lives().await.is_err());
    node.stop().await;
}

#[test]
fn the_protocol_is_the_one_that_was_set() {
    assert_eq!(Witness::protocol(), "witness");
    assert_eq!(ShortLived::protocol(), std::any::type_name::<ShortLived>());
}
