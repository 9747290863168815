//! Processes on two nodes do things to each other.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use noex_core::mailbox::{Incoming, Info};
use noex_core::process::{Process, SpawnOptions};
use noex_core::{Encoded, ExitReason, LocalNode, Pid, RouteError, Signal, Target};
use tokio::sync::mpsc;

use super::harness::{TestNode, config, start, within};

/// The messages that a test sends in one go.
const MESSAGES: u64 = 20_000;

/// A process that reports what comes to it.
fn reporter(node: &LocalNode) -> (Arc<Process<()>>, mpsc::Receiver<Incoming<()>>) {
    let (tx, rx) = mpsc::channel(100_000);
    let options = SpawnOptions::default().capacity(NonZeroUsize::new(100_000).unwrap());
    let process = node.spawn(options, |mut mailbox| async move {
        while tx.try_send(mailbox.next().await).is_ok() {}
        ExitReason::Normal
    });
    (process, rx)
}

async fn pair() -> (TestNode, TestNode) {
    let mut a = start(config("a", &[]));
    let mut b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    b.sees(&[a.id()]).await;
    (a, b)
}

fn cast(from: Pid, number: u64) -> Signal {
    let payload = Bytes::copy_from_slice(&number.to_be_bytes());
    Signal::Message(Encoded::new(Some(from), number, None, Vec::new(), payload))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_in_the_order_sent() {
    let (a, b) = pair().await;
    let (sender, _) = reporter(&a.node);
    let (receiver, mut received) = reporter(&b.node);
    let to = Target::Process(receiver.pid());
    for number in 0..MESSAGES {
        a.node.send(&to, cast(sender.pid(), number)).unwrap();
    }
    for number in 0..MESSAGES {
        let Some(Incoming::Encoded(message)) = within(received.recv()).await else {
            panic!("no message");
        };
        assert_eq!(message.protocol(), number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_a_stop_arrives() {
    let (mut a, b) = pair().await;
    let (sender, _) = reporter(&b.node);
    let (receiver, mut received) = reporter(&a.node);
    let to = Target::Process(receiver.pid());
    for number in 0..MESSAGES {
        b.node.send(&to, cast(sender.pid(), number)).unwrap();
    }
    b.cluster.stop().await;
    for number in 0..MESSAGES {
        let Some(Incoming::Encoded(message)) = within(received.recv()).await else {
            panic!("no message");
        };
        assert_eq!(message.protocol(), number);
    }
    assert_eq!(
        a.node_down().await.1,
        noex_core::NodeDownReason::GracefulShutdown
    );
    let refused = b.node.send(&to, cast(sender.pid(), 0));
    assert_eq!(refused, Err(RouteError::NoConnection));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_fires_when_the_process_or_its_node_ends() {
    let (a, b) = pair().await;
    let (watcher, mut seen) = reporter(&a.node);
    let (first, _) = reporter(&b.node);
    let (second, _second) = reporter(&b.node);
    a.node.monitor(watcher.pid(), second.pid());
    a.node.monitor(watcher.pid(), first.pid());
    a.node
        .exit(watcher.pid(), first.pid(), ExitReason::Killed)
        .unwrap();
    let mut down = async || match within(seen.recv()).await {
        Some(Incoming::Info(info)) => match *info {
            Info::Down(down) => (down.pid, down.reason),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(down().await, (first.pid(), ExitReason::Killed));
    drop(b);
    assert_eq!(down().await, (second.pid(), ExitReason::NoConnection));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_over_the_limit_is_refused_at_the_sender() {
    let limit = 64 << 10;
    let mut a = start(config("a", &[]).message_size_max(limit));
    let b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
    let (receiver, _) = reporter(&b.node);
    let payload = Bytes::from(vec![0; limit + 1]);
    let message = Signal::Message(Encoded::new(None, 0, None, Vec::new(), payload));
    let refused = a.node.send(&Target::Process(receiver.pid()), message);
    assert_eq!(
        refused,
        Err(RouteError::TooLarge {
            size: limit + 1,
            limit
        })
    );
}
