//! `#[info]`: each news goes to the handler of its type.

use noex::prelude::*;
use noex::{Down, Exit, PeerEvent};

use crate::pair::{alone, pair};

/// What the test posts.
struct Tick(u64);

/// Writes down what comes.
struct Watcher(Vec<String>);

#[noex::server]
impl Watcher {
    fn init(cx: &mut Context<Self>) -> Self {
        cx.trap_exit(true);
        cx.monitor_nodes();
        Self(Vec::new())
    }

    #[call]
    fn seen(&self) -> Vec<String> {
        self.0.clone()
    }

    #[call]
    fn watch(&mut self, other: ServerRef<Self>, cx: &mut Context<Self>) {
        cx.monitor(other.pid());
    }

    #[call]
    fn bind(&mut self, other: ServerRef<Self>, cx: &mut Context<Self>) {
        cx.link(other.pid());
    }

    #[info]
    fn down(&mut self, down: Down) {
        self.0.push(format!("down: {}", down.reason));
    }

    #[info]
    async fn exit(&mut self, exit: Exit, cx: &mut Context<Self>) {
        tokio::task::yield_now().await;
        assert_ne!(cx.pid(), exit.from);
        self.0.push(format!("exit: {}", exit.reason));
    }

    #[info]
    fn node(&mut self, event: PeerEvent) {
        if let PeerEvent::Up(peer) = event {
            self.0.push(format!("up: {}", peer.id.name()));
        }
    }

    #[info]
    fn tick(&mut self, Tick(number): Tick) -> Flow {
        self.0.push(format!("tick: {number}"));
        match number {
            0 => Flow::Stop(ExitReason::Normal),
            _ => Flow::Continue,
        }
    }

    #[info]
    fn other(&mut self, _info: Info) {
        self.0.push("other".into());
    }
}

#[tokio::test]
async fn each_news_goes_to_the_handler_of_its_type() {
    let node = alone().await;
    let _inside = node.enter();
    let watcher = Watcher::start(()).await.expect("it starts");
    let other = Watcher::start(()).await.expect("it starts");
    let post = |message| node.local().post(watcher.pid(), message);
    watcher.watch(other.clone()).await.expect("a reply");
    watcher.bind(other.clone()).await.expect("a reply");
    other.stop().await.expect("it stops");
    assert!(post(Info::Other(Box::new(Tick(7)))));
    assert!(post(Info::Other(Box::new("what"))));
    let mut seen = watcher.seen().await.expect("a reply");
    seen.sort();
    assert_eq!(seen, ["down: normal", "exit: normal", "other", "tick: 7"]);
    assert!(post(Info::Other(Box::new(Tick(0)))));
    assert!(watcher.seen().await.is_err());
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_comes_is_told_of() {
    let (a, b) = pair().await;
    {
        let _inside = a.enter();
        let watcher = Watcher::start(()).await.expect("it starts");
        let down = PeerEvent::Up(a.local().peers()[0].clone());
        assert!(a.local().post(watcher.pid(), Info::Node(down)));
        assert_eq!(watcher.seen().await, Ok(vec!["up: b".to_owned()]));
    }
    b.stop().await;
    a.stop().await;
}
