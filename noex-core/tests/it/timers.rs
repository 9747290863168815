//! Timers of processes that read their mailbox themselves.

use std::sync::Arc;
use std::time::Duration;

use noex_core::mailbox::{Incoming, Info};
use noex_core::process::{Process, Receiver, SpawnOptions};
use noex_core::{ExitReason, LocalNode, TimerRef};
use tokio::time::{Instant, sleep};

use crate::support::{Net, id, soon};

const SECOND: Duration = Duration::from_secs(1);

/// A process that runs `body`, and takes no messages.
fn run<F>(node: &LocalNode, body: impl FnOnce(Receiver<()>) -> F) -> Arc<Process<()>>
where
    F: Future<Output = ExitReason> + Send + 'static,
{
    node.spawn(SpawnOptions::default(), body)
}

/// The timer that comes next, if it is one.
async fn due(mailbox: &mut Receiver<()>) -> Option<TimerRef> {
    let Incoming::Info(info) = mailbox.next().await else {
        return None;
    };
    match *info {
        Info::Timer(timer) => Some(timer),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn timers_come_in_the_order_of_their_times_whatever_the_order_of_their_making() {
    let node = LocalNode::start(id(1));
    let process = run(&node, |mut mailbox| async move {
        let (node, pid, began) = (mailbox.node().clone(), mailbox.pid(), Instant::now());
        let late = node.start_timer(pid, 3 * SECOND);
        sleep(SECOND).await;
        let early = node.start_timer(pid, SECOND);
        node.start_timer(pid, Duration::MAX);
        assert_eq!(due(&mut mailbox).await, Some(early));
        assert_eq!(began.elapsed().as_secs(), 2);
        assert_eq!(due(&mut mailbox).await, Some(late));
        assert_eq!(began.elapsed().as_secs(), 3);
        node.restart_timer(pid, late, Instant::now() + SECOND);
        assert_eq!(node.read_timer(pid, late), Some(SECOND));
        assert_eq!(due(&mut mailbox).await, Some(late));
        assert_eq!(node.cancel_timer(pid, late), None);
        ExitReason::Normal
    });
    let ended = soon("it ends", node.ended(process.pid())).await;
    assert_eq!(ended, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn what_a_timer_holds_goes_with_its_owner_or_with_its_time() {
    let (_net, nodes) = Net::of(2);
    let node = &nodes[0];
    let [owner, gone] = [(); 2].map(|()| {
        run(node, |mut mailbox| async move {
            drop(mailbox.next().await);
            ExitReason::Normal
        })
    });
    let there = run(&nodes[1], |_mailbox| std::future::pending());
    let held = Arc::new(());
    let hold = || Box::new(Arc::clone(&held));
    let stop = |process: &Process<()>| process.mailbox().push(()).unwrap();
    stop(&gone);
    node.ended(gone.pid()).await;
    // Nobody to tell: it runs out unheard.
    node.post_after(owner.pid(), gone.pid(), SECOND, hold());
    node.post_after(owner.pid(), there.pid(), SECOND, hold());
    assert_eq!(Arc::strong_count(&held), 3);
    sleep(2 * SECOND).await;
    assert_eq!(Arc::strong_count(&held), 1);
    let timer = node.post_after(owner.pid(), owner.pid(), SECOND, hold());
    stop(&owner);
    node.ended(owner.pid()).await;
    assert_eq!(node.read_timer(owner.pid(), timer), None);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test]
async fn a_timer_that_is_set_for_an_owner_that_has_ended_is_gone() {
    let node = LocalNode::start(id(1));
    let idle = || {
        node.spawn(SpawnOptions::default(), |mut mailbox| async move {
            match mailbox.next().await {
                Incoming::Message(reason) => reason,
                other => ExitReason::error(format!("{other:?}")),
            }
        })
    };
    let (owner, other) = (idle(), idle());
    owner.mailbox().push(ExitReason::Normal).unwrap();
    node.ended(owner.pid()).await;
    let hour = Duration::from_secs(3600);
    let posting = node.post_after(owner.pid(), other.pid(), hour, Box::new(()));
    let own = node.start_timer(owner.pid(), hour);
    for timer in [posting, own] {
        assert_eq!(node.read_timer(owner.pid(), timer), None);
    }
}
