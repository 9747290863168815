//! A dynamic supervisor and its children.

use std::sync::Arc;
use std::time::Duration;

use noex_core::{ExitReason, LocalNode};
use noex_gen_server::{Context, Flow, GenServer, ServerRef};
use noex_supervisor::supervisor::{StartChildError, TerminateChildError};
use noex_supervisor::{
    ChildSpec, DynamicSupervisor, DynamicSupervisorClient, Restart, RestartDelay, Shutdown,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::support::on_a_node;

/// What the workers of one test have for arguments: who they are, and where to say it.
type Args = (usize, Arc<Mutex<Vec<usize>>>);

/// Notes its end; a number from 1000 on takes that many milliseconds for it.
struct Worker(Args);

impl GenServer for Worker {
    type Args = Args;
    type Call = ();
    type Cast = ExitReason;

    async fn init(args: Args, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        Ok(Self(args))
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_cast(&mut self, reason: ExitReason, _cx: &mut Context<Self>) -> Flow {
        Flow::Stop(reason)
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        let (number, ends) = &self.0;
        if *number >= 1000 {
            tokio::time::sleep(Duration::from_millis(*number as u64)).await;
        }
        ends.lock().push(*number);
    }
}

#[derive(Default)]
struct Ends(Arc<Mutex<Vec<usize>>>);

impl Ends {
    fn spec(&self, number: usize) -> ChildSpec {
        let ends = Arc::clone(&self.0);
        ChildSpec::new("worker", move || Worker::start((number, Arc::clone(&ends))))
    }

    fn taken(&self) -> Vec<usize> {
        std::mem::take(&mut *self.0.lock())
    }
}

async fn start(node: &LocalNode) -> ServerRef<DynamicSupervisor> {
    DynamicSupervisor::builder().start().on(node).await.unwrap()
}

#[test]
fn children_come_and_go_by_their_pids() {
    on_a_node(async |node: LocalNode| {
        let ends = Ends::default();
        let supervisor = start(&node).await;
        let first = supervisor.start_child(ends.spec(1)).await.unwrap();
        let second = supervisor.start_child(ends.spec(2)).await.unwrap();
        let children = supervisor.which_children().await.unwrap();
        let told: Vec<_> = children
            .iter()
            .map(|child| (&*child.id, child.pid))
            .collect();
        let wanted = [("worker.0", Some(first)), ("worker.1", Some(second))];
        assert_eq!(told, wanted);
        supervisor.terminate_child(first).await.unwrap();
        let again = supervisor.terminate_child(first).await;
        assert_eq!(again, Err(TerminateChildError::NotFound));
        assert_eq!(ends.taken(), [1]);
        assert_eq!(supervisor.count_children().await.unwrap().specs, 1);
    });
}

#[test]
fn a_full_supervisor_admits_a_child_when_another_has_gone() {
    on_a_node(async |node: LocalNode| {
        let ends = Ends::default();
        let builder = DynamicSupervisor::builder().max_children(1);
        let supervisor = builder.start().on(&node).await.unwrap();
        let first = supervisor.start_child(ends.spec(1)).await.unwrap();
        let refused = supervisor.start_child(ends.spec(2)).await;
        assert_eq!(refused, Err(StartChildError::MaxChildren(1)));
        supervisor.terminate_child(first).await.unwrap();
        supervisor.start_child(ends.spec(2)).await.unwrap();
    });
}

#[test]
fn one_that_crashes_is_started_again_and_one_that_is_done_goes() {
    on_a_node(async |node: LocalNode| {
        let ends = Ends::default();
        let supervisor = start(&node).await;
        let transient = |number| ends.spec(number).restart(Restart::Transient);
        for (number, reason) in [(1, ExitReason::Normal), (2, ExitReason::error("broken"))] {
            let pid = supervisor.start_child(transient(number)).await.unwrap();
            let ended = node.ended(pid);
            let _inside = node.enter();
            Worker::cast(pid, reason).unwrap();
            ended.await;
        }
        let children = supervisor.which_children().await.unwrap();
        assert_eq!(children.len(), 1);
        assert_eq!(&*children[0].id, "worker.1");
        assert!(children[0].pid.is_some());
    });
}

#[test]
fn children_stop_at_the_same_time_and_the_one_that_is_late_is_killed() {
    on_a_node(async |node: LocalNode| {
        let ends = Ends::default();
        let supervisor = start(&node).await;
        let patience = Shutdown::After(Duration::from_secs(5));
        let specs = [
            ends.spec(4000).shutdown(patience),
            ends.spec(6000).shutdown(patience),
            ends.spec(7000).shutdown(Shutdown::Unlimited),
            ends.spec(3000).shutdown(Shutdown::After(Duration::MAX)),
            ends.spec(1000).shutdown(Shutdown::Kill),
        ];
        for spec in specs {
            supervisor.start_child(spec).await.unwrap();
        }
        let began = Instant::now();
        let stop = supervisor.stop().timeout(Duration::from_secs(60));
        stop.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 7);
        assert_eq!(ends.taken(), [3000, 4000, 7000]);
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn a_killed_supervisors_children_end_through_their_links() {
    on_a_node(async |node: LocalNode| {
        let ends = Ends::default();
        let supervisor = start(&node).await;
        let child = supervisor.start_child(ends.spec(1)).await.unwrap();
        let ended = node.ended(child);
        node.exit(node.pid(), supervisor.pid(), ExitReason::Killed)
            .unwrap();
        assert_eq!(ended.await, ExitReason::Killed);
    });
}

#[test]
fn a_child_that_crashes_waits_for_its_restart_and_can_be_stopped_meanwhile() {
    on_a_node(async |node: LocalNode| {
        let ends = Ends::default();
        let builder = DynamicSupervisor::builder().restart_delay(RestartDelay {
            first: Duration::from_secs(60),
            max: Duration::from_secs(60),
        });
        let supervisor = builder.start().on(&node).await.unwrap();
        let pid = supervisor.start_child(ends.spec(1)).await.unwrap();
        let crash = async |pid| {
            let ended = node.ended(pid);
            let _inside = node.enter();
            Worker::cast(pid, ExitReason::error("broken")).unwrap();
            ended.await
        };
        crash(pid).await;
        assert_eq!(supervisor.count_children().await.unwrap().active, 0);
        tokio::time::sleep(Duration::from_secs(61)).await;
        let children = supervisor.which_children().await.unwrap();
        let pid = children[0].pid.expect("it runs again");
        crash(pid).await;
        supervisor.terminate_child(pid).await.unwrap();
        assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
    });
}
