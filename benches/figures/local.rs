//! In one process: a server against a task with a channel.

use std::time::{Duration, Instant};

use noex::Bytes;
use noex::prelude::*;
use tokio::sync::{mpsc, oneshot};

use crate::{Figure, ROUNDS};

const CALLS: u32 = 200_000;
const CASTS: u32 = 2_000_000;
const CALLERS: u32 = 64;

/// Adds up what it is told.
pub(crate) struct Sum(u64);

#[derive(Serialize, Deserialize)]
pub(crate) enum SumCall {
    Add(u64, ReplyTo<u64>),
}

impl GenServer for Sum {
    type Args = ();
    type Call = SumCall;
    type Cast = Bytes;

    fn protocol() -> &'static str {
        "noex.figures.Sum"
    }

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(0))
    }

    async fn handle_call(&mut self, call: SumCall, _cx: &mut Context<Self>) -> Flow {
        let SumCall::Add(add, reply) = call;
        self.0 += add;
        reply.send(self.0);
        Flow::Continue
    }

    async fn handle_cast(&mut self, cast: Bytes, _cx: &mut Context<Self>) -> Flow {
        self.0 += cast.len() as u64 + 1;
        Flow::Continue
    }
}

enum Raw {
    Call(u64, oneshot::Sender<u64>),
    Cast(Bytes),
}

fn raw_sum() -> mpsc::UnboundedSender<Raw> {
    #[expect(clippy::disallowed_methods, reason = "this is what is compared with")]
    let (tx, mut rx) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut sum = 0;
        while let Some(message) = rx.recv().await {
            match message {
                Raw::Call(add, reply) => {
                    sum += add;
                    let _gone = reply.send(sum);
                }
                Raw::Cast(cast) => sum += cast.len() as u64 + 1,
            }
        }
    });
    tx
}

async fn raw_call(to: &mpsc::UnboundedSender<Raw>, add: u64) -> u64 {
    let (tx, rx) = oneshot::channel();
    assert!(to.send(Raw::Call(add, tx)).is_ok(), "the task runs");
    rx.await.expect("the task answers")
}

pub(crate) async fn call(to: &ServerRef<Sum>, add: u64) -> u64 {
    to.call(|reply| SumCall::Add(add, reply))
        .await
        .expect("the server answers")
}

pub(crate) async fn figures() -> Vec<Figure> {
    let node = noex::LocalNode::start("figures@127.0.0.1:1".parse().expect("it is an id"));
    let mut one = Figure::new("local call, 1 caller");
    let mut many = Figure::new("local call, 64 callers, 1 server");
    let mut casts = Figure::new("local cast, 1 producer");
    for _ in 0..ROUNDS {
        let server = Sum::start(()).on(&node).await.expect("it starts");
        let raw = raw_sum();
        one.ours.push(calls(&server).await);
        one.floor.push(raw_calls(&raw).await);
        many.ours.push(
            fan(|| {
                let server = server.clone();
                async move { calls_of(&server, CALLS / CALLERS).await }
            })
            .await,
        );
        many.floor.push(
            fan(|| {
                let raw = raw.clone();
                async move { raw_calls_of(&raw, CALLS / CALLERS).await }
            })
            .await,
        );
        casts.ours.push(our_casts(&server).await);
        casts.floor.push(raw_casts(&raw).await);
        server.stop().await.expect("it stops");
    }
    vec![one, many, casts]
}

async fn calls(server: &ServerRef<Sum>) -> Duration {
    let start = Instant::now();
    calls_of(server, CALLS).await;
    start.elapsed() / CALLS
}

async fn calls_of(server: &ServerRef<Sum>, count: u32) {
    for _ in 0..count {
        call(server, 1).await;
    }
}

async fn raw_calls(raw: &mpsc::UnboundedSender<Raw>) -> Duration {
    let start = Instant::now();
    raw_calls_of(raw, CALLS).await;
    start.elapsed() / CALLS
}

async fn raw_calls_of(raw: &mpsc::UnboundedSender<Raw>, count: u32) {
    for _ in 0..count {
        raw_call(raw, 1).await;
    }
}

/// Runs 64 callers at once.
async fn fan<F>(caller: impl Fn() -> F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(caller())).collect();
    for caller in callers {
        caller.await.expect("a caller does not panic");
    }
    start.elapsed() / CALLS
}

async fn our_casts(server: &ServerRef<Sum>) -> Duration {
    let start = Instant::now();
    for sent in 0..CASTS {
        while server.cast(Bytes::new()).is_err() {
            tokio::task::yield_now().await;
        }
        if sent % 1024 == 1023 {
            tokio::task::yield_now().await;
        }
    }
    call(server, 0).await;
    start.elapsed() / CASTS
}

async fn raw_casts(raw: &mpsc::UnboundedSender<Raw>) -> Duration {
    let start = Instant::now();
    for sent in 0..CASTS {
        assert!(raw.send(Raw::Cast(Bytes::new())).is_ok(), "the task runs");
        if sent % 1024 == 1023 {
            tokio::task::yield_now().await;
        }
    }
    raw_call(raw, 0).await;
    start.elapsed() / CASTS
}
