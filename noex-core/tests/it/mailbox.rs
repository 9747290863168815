//! Mailboxes: room, order, exits.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use noex_core::mailbox::{Incoming, PushError};
use noex_core::process::SpawnOptions;
use noex_core::{ExitReason, LocalNode, Signal, Target};
use tokio::sync::oneshot;

use crate::support::{id, soon, until};

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
