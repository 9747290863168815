//! Mailboxes: room, order, exits.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use noex_core::call::ReplyFuture;
use noex_core::mailbox::{Incoming, Overflow, PushError};
use noex_core::process::{Process, SpawnOptions};
use noex_core::{CallError, Creation, ExitReason, LocalNode, ReplyTo, Signal, Target};
use tokio::sync::oneshot;

use crate::support::{id, soon, until};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn senders_that_gave_up_do_not_use_up_the_wake_ups_of_others() {
    let node = LocalNode::start(id(1));
    let (go, gone) = oneshot::channel::<()>();
    let process = node.spawn(
        SpawnOptions::default().capacity(NonZeroUsize::MIN),
        |mut mailbox| async move {
            gone.await.unwrap();
            loop {
                let Incoming::Message(_) = mailbox.next().await else {
                    return ExitReason::Normal;
                };
            }
        },
    );
    process.mailbox().push(0_u32).unwrap();
    let wakes: Vec<Arc<Count>> = (0..5).map(|_| Arc::default()).collect();
    for wake in &wakes {
        let waker = Waker::from(Arc::clone(wake));
        let pushed = process.mailbox().poll_push(1, &Context::from_waker(&waker));
        assert!(matches!(pushed, Err(PushError::Full(1))));
    }
    go.send(()).unwrap();
    let last = wakes.last().unwrap();
    until("the last sender learns of the room", || {
        last.0.load(Ordering::SeqCst) > 0
    })
    .await;
}

#[tokio::test]
async fn a_signal_to_a_name_on_a_former_life_of_the_node_reaches_nobody() {
    let (node, former) = (LocalNode::start(id(1)), Creation::from_bits(1));
    let process = node.spawn::<(), _, _>(SpawnOptions::default(), |_mailbox| async {
        std::future::pending().await
    });
    node.register("news", process.pid()).unwrap();
    let flood = |to, text: &'static str| {
        let name = "news".into();
        let payload = text.into();
        let signal = Signal::Flood {
            from: former,
            payload,
        };
        node.deliver(former, &Target::Named { node: to, name }, signal);
    };
    flood(former, "to a former life");
    assert_eq!((process.mailbox().len(), node.dead_letters()), (0, 1));
    flood(node.creation(), "to this life");
    assert_eq!((process.mailbox().len(), node.dead_letters()), (1, 1));
}

#[tokio::test]
async fn floods_that_nobody_takes_in_are_bounded_and_counted() {
    let node = LocalNode::start(id(1));
    let process = node.spawn::<(), _, _>(SpawnOptions::default(), |_mailbox| async {
        std::future::pending().await
    });
    let (to, from) = (Target::Process(process.pid()), node.creation());
    for _ in 0..20 {
        let payload = vec![0; 1 << 20].into();
        node.deliver(from, &to, Signal::Flood { from, payload });
    }
    assert_eq!(process.mailbox().len(), 8);
    assert_eq!(node.dead_letters(), 12);
}

#[tokio::test]
async fn the_mailbox_of_a_process_that_ended_is_empty() {
    let node = LocalNode::start(id(1));
    let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
        drop(mailbox.next().await);
        ExitReason::Normal
    });
    for number in 0..3_u32 {
        process.mailbox().push(number).unwrap();
    }
    assert_eq!(node.ended(process.pid()).await, ExitReason::Normal);
    assert_eq!(process.mailbox().len(), 0);
    assert!(process.mailbox().is_closed());
    assert!(matches!(
        process.mailbox().push(4),
        Err(PushError::Closed(4))
    ));
}

#[tokio::test]
async fn a_full_mailbox_hands_the_message_back_and_takes_it_later() {
    let node = LocalNode::start(id(1));
    let (go, gone) = oneshot::channel::<()>();
    let process = node.spawn(
        SpawnOptions::default().capacity(NonZeroUsize::MIN.saturating_add(1)),
        |mut mailbox| async move {
            gone.await.unwrap();
            let mut sum = 0_u32;
            while sum < 6 {
                if let Incoming::Message(number) = mailbox.next().await {
                    sum += number;
                }
            }
            ExitReason::error(sum)
        },
    );
    process.mailbox().push(1).unwrap();
    process.mailbox().push(2).unwrap();
    assert!(matches!(process.mailbox().push(3), Err(PushError::Full(3))));
    go.send(()).unwrap();
    until("there is room", || process.mailbox().is_empty()).await;
    process.mailbox().push(3).unwrap();
    assert_eq!(node.ended(process.pid()).await, ExitReason::error(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_between_two_threads() {
    let node = LocalNode::start(id(1));
    let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
        let mut next = 0_u32;
        while next < 50_000 {
            if let Incoming::Message(number) = mailbox.next().await {
                assert_eq!(number, next);
                next += 1;
            }
        }
        ExitReason::Normal
    });
    for number in 0..50_000_u32 {
        process.mailbox().push(number).unwrap();
        if number.is_multiple_of(64) {
            tokio::task::yield_now().await;
        }
    }
    let ended = soon("all messages arrive", node.ended(process.pid())).await;
    assert_eq!(ended, ExitReason::Normal);
}

#[tokio::test]
async fn one_busy_process_does_not_starve_another() {
    let node = LocalNode::start(id(1));
    let busy = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
        let own = Arc::clone(mailbox.process());
        loop {
            if let Incoming::Message(()) = mailbox.next().await {
                own.mailbox().push(()).unwrap();
            }
        }
    });
    busy.mailbox().push(()).unwrap();
    let other = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
        drop::<Incoming<()>>(mailbox.next().await);
        ExitReason::Normal
    });
    other.mailbox().push(()).unwrap();
    let ended = soon("the other one has its turn", node.ended(other.pid())).await;
    assert_eq!(ended, ExitReason::Normal);
    node.exit(node.pid(), busy.pid(), ExitReason::Killed)
        .unwrap();
    let ended = soon("a busy process obeys", node.ended(busy.pid())).await;
    assert_eq!(ended, ExitReason::Killed);
}

/// A process that takes nothing until it is told to, and then notes the numbers that it finds.
fn held_up(options: SpawnOptions) -> (LocalNode, Arc<Process<Ask>>, oneshot::Sender<()>) {
    let node = LocalNode::start(id(1));
    let (go, gone) = oneshot::channel::<()>();
    let process = node.spawn(options, |mut mailbox| async move {
        gone.await.unwrap();
        let mut seen = Vec::new();
        loop {
            match mailbox.next().await {
                Incoming::Message(Ask { number, reply }) => {
                    seen.push(number);
                    if let Some(reply) = reply {
                        reply.send(seen.clone());
                    }
                }
                _ => return ExitReason::Normal,
            }
        }
    });
    (node, process, go)
}

struct Ask {
    number: u32,
    reply: Option<ReplyTo<Vec<u32>>>,
}

const fn tell(number: u32) -> Ask {
    Ask {
        number,
        reply: None,
    }
}

#[tokio::test]
async fn a_mailbox_that_drops_the_oldest_keeps_the_newest_and_tells_callers() {
    let two = NonZeroUsize::new(2).unwrap();
    let options = SpawnOptions::default().capacity(two);
    let (node, process, go) = held_up(options.overflow(Overflow::DropOldest));
    let (dropped, reply, _guard) = ReplyFuture::new(&node, LONG, Waker::noop());
    let reply = Some(reply);
    process.mailbox().push(Ask { number: 0, reply }).unwrap();
    for number in 1..=3 {
        process.mailbox().push(tell(number)).unwrap();
    }
    assert_eq!(dropped.await, Err(CallError::Full));
    assert_eq!(
        (process.mailbox().len(), process.mailbox().dropped()),
        (2, 2)
    );
    go.send(()).unwrap();
    let (seen, reply, _guard) = ReplyFuture::new(&node, LONG, Waker::noop());
    until("there is room", || process.mailbox().is_empty()).await;
    let reply = Some(reply);
    process.mailbox().push(Ask { number: 4, reply }).unwrap();
    assert_eq!(seen.await, Ok(vec![2, 3, 4]));
    assert_eq!(process.mailbox().high_water(), 2);
}

#[tokio::test]
async fn a_mailbox_that_drops_the_newest_keeps_the_oldest() {
    let two = NonZeroUsize::new(2).unwrap();
    let options = SpawnOptions::default().capacity(two);
    let (node, process, go) = held_up(options.overflow(Overflow::DropNewest));
    for number in 0..5 {
        process.mailbox().push(tell(number)).unwrap();
    }
    assert_eq!(process.mailbox().dropped(), 3);
    go.send(()).unwrap();
    until("there is room", || process.mailbox().is_empty()).await;
    let (seen, reply, _guard) = ReplyFuture::new(&node, LONG, Waker::noop());
    let reply = Some(reply);
    process.mailbox().push(Ask { number: 9, reply }).unwrap();
    assert_eq!(seen.await, Ok(vec![0, 1, 9]));
    assert_eq!(process.mailbox().handled(), 3);
}

#[tokio::test]
async fn an_unbounded_mailbox_takes_more_than_the_default() {
    let (_node, process, _go) = held_up(SpawnOptions::default().unbounded());
    for number in 0..100_000 {
        process.mailbox().push(tell(number)).unwrap();
    }
    assert_eq!(process.mailbox().len(), 100_000);
}

#[tokio::test]
async fn what_a_selective_receive_passes_over_comes_next_in_its_order() {
    let node = LocalNode::start(id(1));
    let (done, seen) = oneshot::channel();
    let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
        let mut numbers = Vec::new();
        let even = |incoming: &Incoming<u32>| {
            matches!(incoming, Incoming::Message(number) if number % 2 == 0)
        };
        for _ in 0..2 {
            if let Incoming::Message(number) = mailbox.next_where(even).await {
                numbers.push(number);
            }
        }
        for _ in 0..3 {
            if let Incoming::Message(number) = mailbox.next().await {
                numbers.push(number);
            }
        }
        done.send(numbers).unwrap();
        ExitReason::Normal
    });
    for number in [1, 3, 4, 5] {
        process.mailbox().push(number).unwrap();
    }
    // The last one that is wanted comes while it waits.
    until("it waits for another", || process.mailbox().handled() == 1).await;
    process.mailbox().push(6).unwrap();
    assert_eq!(soon("the numbers", seen).await.unwrap(), [4, 6, 1, 3, 5]);
}
