//! Tasks and streams of tasks.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use noex_core::process::SpawnOptions;
use noex_core::{ExitReason, LocalNode, Pid};
use noex_gen_server::task::{Task, await_many, yield_many};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::support::{id, on, soon};

const SECOND: Duration = Duration::from_secs(1);

fn at_most(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

async fn after<T>(seconds: u32, value: T) -> T {
    sleep(SECOND * seconds).await;
    value
}

#[tokio::test(start_paused = true)]
async fn a_task_gives_its_value_or_the_reason_of_its_end() {
    let node = LocalNode::start(id(1));
    assert_eq!(Task::spawn_on(&node, async { 7 }).await, Ok(7));
    let broken = Task::spawn_on(&node, async {
        assert!(Instant::now() < Instant::now() - SECOND, "it broke");
    });
    let Err(ExitReason::Panic(panic)) = broken.await else {
        panic!("a panic is its reason");
    };
    assert_eq!(&*panic.message, "it broke");
    let pending = Task::spawn_on(&node, after(9, ()));
    node.exit(node.pid(), pending.pid(), ExitReason::Killed)
        .unwrap();
    assert_eq!(soon("it ends", pending).await, Err(ExitReason::Killed));
    assert_eq!(node.process_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_yielded_for_goes_on() {
    let node = LocalNode::start(id(1));
    let mut task = Task::spawn_on(&node, after(2, "done"));
    assert_eq!(task.yield_for(SECOND).await, None);
    assert_eq!(task.yield_for(2 * SECOND).await, Some(Ok("done")));
    assert_eq!(task.await, Err(ExitReason::NoProcess));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_shut_down_or_had_its_value() {
    let node = LocalNode::start(id(1));
    let task = Task::spawn_on(&node, after(9, ()));
    let ended = node.ended(task.pid());
    assert_eq!(task.shutdown(SECOND).await, None);
    assert_eq!(ended.await, ExitReason::Shutdown);
    let task = Task::spawn_on(&node, async { 1 });
    tokio::task::yield_now().await;
    assert_eq!(task.shutdown(SECOND).await, Some(Ok(1)));
    let stubborn = Task::spawn_on(&node, async {
        let node = LocalNode::current().unwrap();
        node.trap_exit(noex_core::current_pid().unwrap(), true);
        after(9, ()).await;
    });
    tokio::task::yield_now().await;
    let ended = node.ended(stubborn.pid());
    let outcome = stubborn.shutdown(SECOND).await;
    assert_eq!(outcome, Some(Err(ExitReason::Killed)));
    assert_eq!(ended.await, ExitReason::Killed);
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    TaskFails,
    ParentIsKilled,
    Well,
}

/// How a process and the task that it is linked with end.
async fn with_linked(fate: Fate) -> (ExitReason, ExitReason) {
    let node = LocalNode::start(id(1));
    let (tx, rx) = oneshot::channel::<Pid>();
    let parent = node.spawn::<(), _, _>(SpawnOptions::default(), |_mailbox| async move {
        let task = Task::spawn(async move {
            sleep(SECOND).await;
            assert!(fate != Fate::TaskFails, "it failed");
        });
        tx.send(task.pid()).unwrap();
        sleep(5 * SECOND).await;
        ExitReason::Normal
    });
    let task = rx.await.unwrap();
    let ends = (node.ended(parent.pid()), node.ended(task));
    if fate == Fate::ParentIsKilled {
        node.exit(node.pid(), parent.pid(), ExitReason::Killed)
            .unwrap();
    }
    soon("both end", async { (ends.0.await, ends.1.await) }).await
}

#[tokio::test(start_paused = true)]
async fn a_linked_task_and_its_parent_end_together() {
    let (parent, task) = with_linked(Fate::TaskFails).await;
    assert!(matches!(task, ExitReason::Panic(_)));
    assert_eq!(parent, task);
    let (parent, task) = with_linked(Fate::ParentIsKilled).await;
    assert_eq!((parent, task), (ExitReason::Killed, ExitReason::Killed));
    let (parent, task) = with_linked(Fate::Well).await;
    assert_eq!((parent, task), (ExitReason::Normal, ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn several_tasks_are_awaited_in_their_order() {
    let node = LocalNode::start(id(1));
    let start = |seconds| Task::spawn_on(&node, after(seconds, seconds));
    let began = Instant::now();
    let outcomes = await_many([3, 1, 2].map(start)).await;
    assert_eq!(outcomes, [Ok(3), Ok(1), Ok(2)]);
    assert_eq!(began.elapsed().as_secs(), 3);
    let mut tasks = [3, 1].map(start);
    let outcomes = yield_many(&mut tasks, 2 * SECOND).await;
    assert_eq!(outcomes, [None, Some(Ok(1))]);
    let [slow, _] = tasks;
    assert_eq!(slow.await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_the_order_and_the_bound() {
    let node = LocalNode::start(id(1));
    let most = Arc::new(AtomicUsize::new(0));
    let count = |most: &Arc<AtomicUsize>| {
        let (node, most) = (node.clone(), Arc::clone(most));
        move |seconds: u32| {
            let (node, most) = (node.clone(), Arc::clone(&most));
            async move {
                most.fetch_max(node.process_count(), Ordering::Relaxed);
                after(seconds, seconds).await
            }
        }
    };
    let items = [3, 1, 2, 1];
    let stream = Task::async_stream(items, at_most(2), count(&most));
    let values = on(&node, stream.collect()).await;
    assert_eq!(values, items.map(Ok));
    let stream = Task::async_stream(items, at_most(2), count(&most)).unordered();
    let values = on(&node, stream.collect()).await;
    assert_eq!(values, [1, 3, 2, 1].map(Ok));
    assert_eq!(most.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_ends_its_tasks_and_not_its_caller() {
    let node = LocalNode::start(id(1));
    let parent = node.spawn::<(), _, _>(SpawnOptions::default(), |mailbox| async move {
        let mut stream = Task::async_stream([1, 9, 9], at_most(3), |seconds| after(seconds, ()));
        let first = stream.next().await;
        drop(stream);
        sleep(SECOND).await;
        match (first, mailbox.node().process_count()) {
            (Some(Ok(())), 1) => ExitReason::Normal,
            other => ExitReason::error(format_args!("{other:?}")),
        }
    });
    let ended = node.ended(parent.pid());
    assert_eq!(soon("it ends", ended).await, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_a_stream_without_links_is_one_of_its_values() {
    let node = LocalNode::start(id(1));
    let fails = |number: u32| async move {
        assert!(number != 2, "two");
        number
    };
    let stream = Task::async_stream(1..=3, at_most(2), fails).unlinked();
    let values = on(&node, stream.collect()).await;
    assert!(matches!(
        values[..],
        [Ok(1), Err(ExitReason::Panic(_)), Ok(3)]
    ));
}
