//! The counter of the guide: calls, casts, late replies, errors as replies; here and remotely.

use std::time::Duration;

use noex::Callee;
use noex::prelude::*;

use crate::pair::{alone, pair};

/// Counts, and wakes those that wait for a number.
struct Counter {
    n: u64,
    waiting: Vec<(u64, ReplyTo<u64>)>,
}

/// What can't be loaded.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct LoadError(String);

#[noex::server]
impl Counter {
    async fn init(start: u64) -> Result<Self, ExitReason> {
        tokio::task::yield_now().await;
        if start == u64::MAX {
            return Err(ExitReason::error("nothing is left to count"));
        }
        let waiting = Vec::new();
        Ok(Self { n: start, waiting })
    }

    /// The number.
    #[call]
    fn get(&self) -> u64 {
        self.n
    }

    #[call]
    async fn load(&mut self, key: String) -> Result<u64, LoadError> {
        tokio::task::yield_now().await;
        match key.parse() {
            Ok(n) => {
                self.set(n);
                Ok(n)
            }
            Err(_not_a_number) => Err(LoadError(key)),
        }
    }

    #[call]
    fn wait_for(&mut self, at: u64, reply: ReplyTo<u64>) {
        self.waiting.push((at, reply));
        self.wake();
    }

    #[call]
    fn whoami(
        &self,
        reply: String,
        handle: u8,
        cx: &mut Context<Self>,
    ) -> (String, ServerRef<Self>) {
        (format!("{reply} {handle}"), cx.this())
    }

    #[call]
    fn reset(&mut self) {
        self.set(0);
    }

    #[call]
    fn finish(&mut self, last: u64) -> (u64, Flow) {
        (self.n + last, Flow::Stop(ExitReason::Normal))
    }

    #[cast]
    fn add(&mut self, by: u64) {
        self.set(self.n + by);
    }

    #[cast]
    async fn end(&mut self, mut reason: ExitReason) -> Flow {
        tokio::task::yield_now().await;
        if reason == ExitReason::Killed {
            reason = ExitReason::Normal;
        }
        Flow::Stop(reason)
    }

    fn set(&mut self, n: u64) {
        self.n = n;
        self.wake();
    }

    fn wake(&mut self) {
        let n = self.n;
        for (_, reply) in self.waiting.extract_if(.., |(at, _)| *at <= n) {
            reply.send(n);
        }
    }
}

/// All that a counter does, on whatever names one.
async fn exercise(counter: impl Callee<Counter> + Sync) {
    assert_eq!(counter.get().await, Ok(40));
    counter.add(2).expect("queued");
    let get = counter.get().timeout(Duration::from_secs(9));
    assert_eq!(get.await, Ok(42));
    assert_eq!(counter.load("7".into()).await, Ok(Ok(7)));
    let refused = Err(LoadError("seven".into()));
    assert_eq!(counter.load("seven".into()).await, Ok(refused));
    let late = counter.wait_for(10);
    let push = async {
        counter.add(1).expect("queued");
        counter.add(2).expect("queued");
    };
    let (late, ()) = tokio::join!(late, push);
    assert_eq!(late, Ok(10));
    counter.reset().await.expect("a reply");
    let (said, this) = counter.whoami("me".into(), 1).await.expect("a reply");
    assert_eq!((said.as_str(), this.get().await), ("me 1", Ok(0)));
}

#[test]
fn handlers_stay_methods_that_a_test_calls() {
    let waiting = Vec::new();
    let mut counter = Counter { n: 1, waiting };
    counter.add(2);
    assert_eq!(counter.get(), 3);
    assert_eq!(counter.finish(1).0, 4);
}

#[tokio::test]
async fn a_reference_calls_its_server() {
    let node = alone().await;
    let _inside = node.enter();
    let counter = Counter::start(40).await.expect("it starts");
    exercise(counter).await;
    node.stop().await;
}

#[tokio::test]
async fn names_and_references_of_another_node_are_called_alike() {
    let (a, b) = pair().await;
    let counter = {
        let _inside = a.enter();
        let counter = Counter::start(40).name(Global("counter")).await;
        counter.expect("it starts")
    };
    {
        let _inside = b.enter();
        let elsewhere = ServerRef::<Counter>::from_pid(counter.pid());
        exercise(elsewhere).await;
        Counter::cast(Global("counter"), CounterCast::Add { by: 40 }).expect("queued");
        exercise(Global("counter")).await;
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn local_names_and_pids_are_called_with_the_type_of_their_server() {
    let node = alone().await;
    let _inside = node.enter();
    for name in ["first", "second"] {
        let counter = Counter::start(40).name(name).await.expect("it starts");
        exercise(Counter::at(name)).await;
        counter.add(40).expect("queued");
        exercise(Counter::at(counter.pid())).await;
        counter.add(40).expect("queued");
        exercise(Counter::at((name, node.id()))).await;
        counter.add(40).expect("queued");
        exercise(Counter::at(name.to_owned())).await;
        Counter::at(name).stop().await.expect("it stops");
        assert_eq!(Counter::at(name).get().await, Err(CallError::NoProcess));
    }
    node.stop().await;
}

#[test]
fn texts_keep_their_own_methods() {
    let text = String::from("5");
    assert_eq!(text.get(0..1), Some("5"));
}

#[tokio::test]
async fn the_messages_are_there_for_calls_by_hand() {
    let node = alone().await;
    let _inside = node.enter();
    Counter::start(1).name("counter").await.expect("it starts");
    Counter::cast("counter", CounterCast::Add { by: 1 }).expect("queued");
    let n = Counter::call("counter", CounterCall::Get).await;
    assert_eq!(n, Ok(2));
    let n = Counter::call("counter", |reply| CounterCall::WaitFor { at: 1, reply }).await;
    assert_eq!(n, Ok(2));
    node.stop().await;
}

#[tokio::test]
async fn a_call_and_a_cast_can_end_the_server() {
    let node = alone().await;
    let _inside = node.enter();
    let counter = Counter::start(1).await.expect("it starts");
    assert_eq!(counter.finish(2).await, Ok(3));
    assert!(counter.get().await.is_err());
    let counter = Counter::start(1).await.expect("it starts");
    counter.end(ExitReason::Killed).expect("queued");
    assert!(counter.get().await.is_err());
    node.stop().await;
}

#[tokio::test]
async fn an_init_that_fails_says_why() {
    let node = alone().await;
    let _inside = node.enter();
    let failed = Counter::start(u64::MAX).await;
    let reason = ExitReason::error("nothing is left to count");
    assert_eq!(failed, Err(StartError::Init(reason)));
    node.stop().await;
}

#[tokio::test]
async fn a_call_can_be_made_in_a_task() {
    let node = alone().await;
    let _inside = node.enter();
    let counter = Counter::start(5).await.expect("it starts");
    let task = noex::spawn(async move { counter.get().await });
    assert_eq!(task.await.expect("no panic"), Ok(5));
    node.stop().await;
}
