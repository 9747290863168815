//! A task supervisor and its tasks.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode, Pid, current_pid};
use noex_gen_server::ServerRef;
use noex_gen_server::task::Task;
use noex_supervisor::supervisor::StartChildError;
use noex_supervisor::{
    ChildSpec, DynamicSupervisor, DynamicSupervisorClient, Restart, Shutdown, Supervisor,
    SupervisorClient, TaskSupervisor,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

async fn start(tasks: &TaskSupervisor) -> ServerRef<DynamicSupervisor> {
    tasks.start().await.unwrap()
}

async fn count(tasks: &TaskSupervisor) -> usize {
    tasks.count_children().await.unwrap().specs
}

use crate::support::on_a_node;

/// What a task does that takes exits as messages, of which it reads none.
async fn stubborn(started: oneshot::Sender<Pid>) {
    let pid = current_pid().unwrap();
    LocalNode::current().unwrap().trap_exit(pid, true);
    started.send(pid).unwrap();
    pending::<()>().await;
}

/// Runs a test on a node, with a paused clock; a test that hangs fails.
fn in_time<F: Future<Output = ()>>(test: impl FnOnce(LocalNode, TaskSupervisor) -> F) {
    on_a_node(|node| test(node, TaskSupervisor::new("tasks")));
}

#[test]
fn a_task_gives_its_value_and_is_gone() {
    in_time(async |node: LocalNode, tasks: TaskSupervisor| {
        start(&tasks).await;
        let (go, gate) = oneshot::channel();
        let task = tasks.spawn(async move { gate.await.map(|by: u32| 40 + by) });
        let task = task.await.unwrap();
        let children = tasks.which_children().await.unwrap();
        assert_eq!(children.len(), 1);
        assert_eq!(children[0].pid, Some(task.pid()));
        let ended = node.ended(task.pid());
        go.send(2).unwrap();
        assert_eq!(task.await, Ok(Ok(42)));
        assert_eq!(ended.await, ExitReason::Normal);
        assert_eq!(count(&tasks).await, 0);
    });
}

#[test]
fn a_task_that_fails_takes_its_caller_along_but_not_its_supervisor() {
    in_time(async |_node: LocalNode, tasks: TaskSupervisor| {
        start(&tasks).await;
        let its = tasks.clone();
        let caller = Task::spawn_unlinked(async move {
            let task = its.spawn(async { panic!("as told") }).await.unwrap();
            drop(task);
            pending::<()>().await;
        });
        assert!(matches!(caller.await, Err(ExitReason::Panic(_))));
        assert_eq!(count(&tasks).await, 0);
    });
}

#[test]
fn a_caller_that_fails_takes_its_task_along() {
    in_time(async |node: LocalNode, tasks: TaskSupervisor| {
        start(&tasks).await;
        let (tx, task) = oneshot::channel();
        let (go, gate) = oneshot::channel::<()>();
        let its = tasks.clone();
        let caller = Task::spawn_unlinked(async move {
            let task = its.spawn(pending::<()>()).await.unwrap();
            tx.send(task.pid()).unwrap();
            let _told: Result<(), _> = gate.await;
            panic!("as told");
        });
        let ended = node.ended(task.await.unwrap());
        drop(go);
        assert!(matches!(ended.await, ExitReason::Panic(_)));
        assert!(caller.await.is_err());
        assert_eq!(count(&tasks).await, 0);
    });
}

#[test]
fn an_unlinked_task_that_fails_is_an_error_to_who_awaits_it() {
    in_time(async |_node: LocalNode, tasks: TaskSupervisor| {
        start(&tasks).await;
        let its = tasks.clone();
        let caller = Task::spawn_unlinked(async move {
            let task = its.spawn_unlinked(async { panic!("as told") });
            let outcome: Result<(), _> = task.await.unwrap().await;
            matches!(outcome, Err(ExitReason::Panic(_)))
        });
        assert_eq!(caller.await, Ok(true));
        assert_eq!(count(&tasks).await, 0);
    });
}

#[test]
fn an_unlinked_task_outlives_its_caller() {
    in_time(async |node: LocalNode, tasks: TaskSupervisor| {
        start(&tasks).await;
        let its = tasks.clone();
        let caller = Task::spawn_unlinked(async move {
            let task = its.spawn_unlinked(pending::<()>()).await.unwrap();
            std::panic::panic_any(task.pid());
        });
        let outcome: Result<(), _> = caller.await;
        assert!(outcome.is_err());
        let children = tasks.which_children().await.unwrap();
        assert!(node.is_alive(children[0].pid.unwrap()));
    });
}

#[test]
fn a_task_too_many_is_refused_and_does_not_run() {
    in_time(async |_node: LocalNode, tasks: TaskSupervisor| {
        let tasks = tasks.max_children(1);
        start(&tasks).await;
        let first = tasks.spawn_unlinked(pending::<()>()).await.unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ran);
        let second = async move { counted.fetch_add(1, Ordering::Relaxed) };
        let refused = tasks.spawn_unlinked(second).await;
        assert_eq!(refused.unwrap_err(), StartChildError::MaxChildren(1));
        assert_eq!(Arc::strong_count(&ran), 1);
        assert_eq!(ran.load(Ordering::Relaxed), 0);
        assert_eq!(first.shutdown(Duration::from_secs(1)).await, None);
        let third = tasks.spawn_unlinked(async { 3 }).await.unwrap();
        assert_eq!(third.await, Ok(3));
    });
}

#[test]
fn a_task_of_nobody_is_refused() {
    in_time(async |_node: LocalNode, tasks: TaskSupervisor| {
        let refused = tasks.spawn(pending::<()>()).await;
        let nobody = StartChildError::Call(CallError::NoProcess);
        assert_eq!(refused.unwrap_err(), nobody);
    });
}

#[test]
fn a_task_that_is_given_up_before_it_runs_never_does() {
    in_time(async |_node: LocalNode, tasks: TaskSupervisor| {
        start(&tasks).await;
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ran);
        let spawn = tasks.spawn(async move { counted.fetch_add(1, Ordering::Relaxed) });
        // One poll sends the request.
        let given_up = tokio::time::timeout(Duration::ZERO, spawn.into_future()).await;
        assert!(given_up.is_err());
        assert_eq!(count(&tasks).await, 0);
        assert_eq!(Arc::strong_count(&ran), 1);
        assert_eq!(ran.load(Ordering::Relaxed), 0);
    });
}

/// Fails twice, is done once, and then goes on.
async fn letter(run: usize) {
    assert!(run > 2, "as told");
    if run > 3 {
        pending::<()>().await;
    }
}

#[test]
fn tasks_that_nobody_awaits_are_restarted_as_they_say() {
    for (restart, runs) in [
        (Restart::Temporary, 1),
        (Restart::Transient, 3),
        (Restart::Permanent, 4),
    ] {
        in_time(async move |_node: LocalNode, tasks: TaskSupervisor| {
            start(&tasks).await;
            let ran = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&ran);
            let run = move || counted.fetch_add(1, Ordering::Relaxed) + 1;
            let spec = ChildSpec::task("letter", move || letter(run()));
            let spec = match restart {
                Restart::Temporary => spec,
                other => spec.restart(other),
            };
            tasks.start_child(spec).await.unwrap();
            while ran.load(Ordering::Relaxed) < runs {
                tokio::task::yield_now().await;
            }
            let left = usize::from(restart == Restart::Permanent);
            while count(&tasks).await != left {
                tokio::task::yield_now().await;
            }
            assert_eq!(ran.load(Ordering::Relaxed), runs, "{restart:?}");
        });
    }
}

#[test]
fn a_stop_waits_the_time_of_each_task_and_kills_then() {
    in_time(async |node: LocalNode, tasks: TaskSupervisor| {
        let supervisor = start(&tasks).await;
        let mut ends = Vec::new();
        let cases = [
            (Shutdown::After(Duration::from_secs(3)), 3),
            (Shutdown::default(), 5),
            (Shutdown::Kill, 0),
        ];
        for (shutdown, seconds) in cases {
            let (tx, started) = oneshot::channel();
            let task = tasks.spawn_unlinked(stubborn(tx)).shutdown(shutdown);
            let task = task.await.unwrap();
            started.await.unwrap();
            ends.push((task, seconds));
        }
        let quick = tasks.spawn_unlinked(pending::<()>()).await.unwrap();
        let began = Instant::now();
        let stop = Task::spawn_unlinked(async move {
            supervisor.stop().timeout(Duration::from_secs(60)).await
        });
        assert_eq!(quick.await, Err(ExitReason::Shutdown));
        assert_eq!(began.elapsed().as_secs(), 0);
        ends.sort_by_key(|(_, seconds)| *seconds);
        for (task, seconds) in ends {
            assert_eq!(task.await, Err(ExitReason::Killed));
            assert_eq!(began.elapsed().as_secs(), seconds);
        }
        stop.await.unwrap().unwrap();
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn a_shutdown_of_a_task_leaves_its_caller_and_its_supervisor_alone() {
    in_time(async |_node: LocalNode, tasks: TaskSupervisor| {
        start(&tasks).await;
        let its = tasks.clone();
        let caller = Task::spawn_unlinked(async move {
            let task = its.spawn(pending::<()>()).await.unwrap();
            task.shutdown(Duration::from_secs(1)).await
        });
        assert_eq!(caller.await, Ok(None));
        assert_eq!(count(&tasks).await, 0);
    });
}

#[test]
fn a_task_supervisor_is_a_child_and_comes_back_under_its_name() {
    in_time(async |node: LocalNode, tasks: TaskSupervisor| {
        let root = Supervisor::builder().child(tasks.child_spec());
        let root = root.start().await.unwrap();
        let task = tasks.spawn_unlinked(pending::<()>()).await.unwrap();
        let first = node.whereis("tasks").unwrap();
        node.exit(node.pid(), first, ExitReason::Killed).unwrap();
        assert_eq!(task.await, Err(ExitReason::Killed));
        assert_eq!(root.count_children().await.unwrap().active, 1);
        let task = tasks.spawn_unlinked(async { 42 }).await.unwrap();
        assert_eq!(task.await, Ok(42));
        root.stop().await.unwrap();
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn a_task_is_a_child_of_any_supervisor() {
    in_time(async |_node: LocalNode, _tasks: TaskSupervisor| {
        let (tx, started) = oneshot::channel();
        let tx = parking_lot::Mutex::new(Some(tx));
        let warm_up = ChildSpec::task("warm up", move || {
            let tx = tx.lock().take().unwrap();
            async move { tx.send(()) }
        });
        let broken = ChildSpec::task("broken", || -> std::future::Ready<()> { panic!("as told") });
        let supervisor = Supervisor::builder().child(warm_up).start();
        let supervisor = supervisor.await.unwrap();
        started.await.unwrap();
        let failed = supervisor.start_child(broken).await;
        assert!(matches!(failed, Err(StartChildError::Start(_))));
        assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
    });
}
