//! A supervisor and its children on one node.

use std::sync::Arc;
use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode, Pid, ReplyTo};
use noex_gen_server::{Context, Flow, GenServer, ServerRef, StartError};
use noex_supervisor::supervisor::{RestartChildError, StartChildError};
use noex_supervisor::{ChildSpec, Restart, Shutdown, Strategy, Supervisor, SupervisorClient};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::support::in_time;

/// What the workers of one test did, in order.
type Log = Arc<Mutex<Vec<String>>>;

struct Worker {
    id: &'static str,
    log: Log,
}

#[derive(Serialize, Deserialize)]
enum WorkerCall {
    Pid(ReplyTo<Pid>),
    Panic(ReplyTo<()>),
    Stop(ExitReason, ReplyTo<()>),
}

impl GenServer for Worker {
    type Args = (&'static str, Log);
    type Call = WorkerCall;
    type Cast = ();

    async fn init((id, log): Self::Args, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        if id.starts_with("broken") {
            return Err(ExitReason::error("broken"));
        }
        if id.starts_with("idle") {
            return Err(ExitReason::Normal);
        }
        if id.starts_with("hung") {
            std::future::pending::<()>().await;
        }
        log.lock().push(format!("+{id}"));
        Ok(Self { id, log })
    }

    async fn handle_call(&mut self, call: WorkerCall, cx: &mut Context<Self>) -> Flow {
        match call {
            WorkerCall::Pid(reply) => reply.send(cx.pid()),
            WorkerCall::Panic(_reply) => panic!("as asked"),
            WorkerCall::Stop(reason, reply) => {
                reply.send(());
                return Flow::Stop(reason);
            }
        }
        Flow::Continue
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        if self.id.starts_with("slow") {
            std::future::pending::<()>().await;
        }
        self.log.lock().push(format!("-{}", self.id));
    }
}

struct World {
    node: LocalNode,
    log: Log,
}

impl World {
    fn new() -> Self {
        let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
        let log = Log::default();
        Self { node, log }
    }

    /// A child whose id is its local name.
    fn spec(&self, id: &'static str) -> ChildSpec {
        let log = Arc::clone(&self.log);
        ChildSpec::new(id, move || Worker::start((id, Arc::clone(&log))).name(id))
    }

    async fn start(&self, ids: &[&'static str]) -> ServerRef<Supervisor> {
        let specs = ids.iter().map(|id| self.spec(id));
        let builder = Supervisor::builder().children(specs);
        builder.start().on(&self.node).await.unwrap()
    }

    fn worker(&self, name: &str) -> ServerRef<Worker> {
        let _inside = self.node.enter();
        ServerRef::from_pid(self.node.whereis(name).expect("the worker runs"))
    }

    /// Ends a worker by a call. Its supervisor has heard of it when this is done.
    async fn stop(&self, name: &str, reason: ExitReason) {
        let worker = self.worker(name);
        let ended = self.node.ended(worker.pid());
        let call = worker.call(|reply| WorkerCall::Stop(reason.clone(), reply));
        call.await.unwrap();
        ended.await;
    }

    fn did(&self) -> String {
        std::mem::take(&mut *self.log.lock()).join(" ")
    }

    async fn settle(&self, supervisor: &ServerRef<Supervisor>) -> Vec<Option<Pid>> {
        let children = supervisor.which_children().await.unwrap();
        children.iter().map(|child| child.pid).collect()
    }
}

#[test]
fn a_server_that_panics_is_restarted_under_its_name() {
    in_time(async {
        let world = World::new();
        let supervisor = world.start(&["a", "b"]).await;
        let before = world.worker("a");
        let answer: Result<(), _> = before.call(WorkerCall::Panic).await;
        assert!(matches!(
            answer,
            Err(CallError::Exited(ExitReason::Panic(_)))
        ));
        let pids = world.settle(&supervisor).await;
        let after = world.worker("a");
        assert_ne!(after.pid(), before.pid());
        assert_eq!(pids[0], Some(after.pid()));
        assert_eq!(after.call(WorkerCall::Pid).await, Ok(after.pid()));
        assert_eq!(world.did(), "+a +b +a");
    });
}

#[test]
fn too_many_restarts_end_the_supervisor_and_its_children() {
    in_time(async {
        let world = World::new();
        let supervisor = world.start(&["a", "b"]).await;
        let ended = world.node.ended(supervisor.pid());
        for _ in 0..3 {
            world.stop("b", ExitReason::Normal).await;
            world.settle(&supervisor).await;
        }
        world.stop("b", ExitReason::Normal).await;
        assert!(matches!(ended.await, ExitReason::ShutdownWith(_)));
        assert_eq!(world.node.process_count(), 0);
        assert!(world.did().ends_with("-b -a"));
    });
}

#[test]
fn children_stop_in_reverse_order() {
    in_time(async {
        let world = World::new();
        let supervisor = world.start(&["a", "b", "c"]).await;
        supervisor.stop().await.unwrap();
        assert_eq!(world.did(), "+a +b +c -c -b -a");
    });
}

#[test]
fn a_start_that_fails_half_way_stops_what_was_started() {
    in_time(async {
        let world = World::new();
        let specs = ["a", "b", "broken", "c"].map(|id| world.spec(id));
        let start = Supervisor::builder().children(specs).start();
        let error = start.on(&world.node).await.unwrap_err();
        assert!(matches!(
            error,
            StartError::Init(ExitReason::ShutdownWith(_))
        ));
        assert_eq!(world.did(), "+a +b -b -a");
        assert_eq!(world.node.processes(), []);
    });
}

#[test]
fn a_child_that_has_nothing_to_do_is_no_failure() {
    in_time(async {
        let world = World::new();
        let supervisor = world.start(&["a", "idle", "b"]).await;
        let pids = world.settle(&supervisor).await;
        let run: Vec<bool> = pids.iter().map(Option::is_some).collect();
        assert_eq!(run, [true, false, true]);
        let again = supervisor.restart_child("idle").await;
        assert_eq!(again, Err(RestartChildError::Ignored));
        supervisor.delete_child("idle").await.unwrap();
        let added = supervisor.start_child(world.spec("idle")).await;
        assert_eq!(added, Err(StartChildError::Ignored));
        assert_eq!(supervisor.count_children().await.unwrap().specs, 3);
        assert_eq!(world.did(), "+a +b");
    });
}

#[test]
fn a_child_whose_init_hangs_is_killed_by_its_own_timeout() {
    in_time(async {
        let world = World::new();
        let log = Arc::clone(&world.log);
        let hung = ChildSpec::new("hung", move || {
            let start = Worker::start(("hung", Arc::clone(&log)));
            start.timeout(Duration::from_secs(1))
        });
        let start = Supervisor::builder().child(world.spec("a")).child(hung);
        start.start().on(&world.node).await.unwrap_err();
        assert_eq!(world.did(), "+a -a");
    });
}

#[test]
fn contract_c56_transient_and_temporary_children_follow_their_rules() {
    in_time(async {
        let world = World::new();
        let transient = |id| world.spec(id).restart(Restart::Transient);
        let temporary = |id| world.spec(id).restart(Restart::Temporary);
        let builder = Supervisor::builder().children([
            transient("done"),
            transient("crashes"),
            temporary("passes"),
        ]);
        let supervisor = builder.start().on(&world.node).await.unwrap();
        world.stop("done", ExitReason::Shutdown).await;
        world.stop("crashes", ExitReason::error("broken")).await;
        world.stop("passes", ExitReason::error("broken")).await;
        let pids = world.settle(&supervisor).await;
        assert_eq!(pids, [None, world.node.whereis("crashes")]);
        assert!(world.node.whereis("crashes").is_some());
        let counts = supervisor.count_children().await.unwrap();
        assert_eq!((counts.specs, counts.active, counts.workers), (2, 1, 2));
    });
}

#[test]
fn contract_c56_one_for_all_and_rest_for_one_stop_and_start_the_others() {
    let cases = [
        (Strategy::OneForAll, "-b -c -a +a +b +c"),
        (Strategy::RestForOne, "-b -c +b +c"),
    ];
    for (strategy, done) in cases {
        in_time(async {
            let world = World::new();
            let specs = ["a", "b", "c"].map(|id| world.spec(id));
            let builder = Supervisor::builder().strategy(strategy).children(specs);
            let supervisor = builder.start().on(&world.node).await.unwrap();
            world.did();
            world.stop("b", ExitReason::error("broken")).await;
            world.settle(&supervisor).await;
            assert_eq!(world.did(), done);
        });
    }
}

#[test]
fn a_child_that_does_not_stop_in_time_is_killed() {
    in_time(async {
        let world = World::new();
        let supervisor = world.start(&["slow"]).await;
        let child = world.node.ended(world.worker("slow").pid());
        let began = tokio::time::Instant::now();
        supervisor.terminate_child("slow").await.unwrap();
        assert_eq!(child.await, ExitReason::Killed);
        assert_eq!(began.elapsed().as_secs(), 5);
    });
}

#[test]
fn children_come_and_go_by_hand() {
    in_time(async {
        let world = World::new();
        let supervisor = world.start(&["a"]).await;
        let pid = supervisor.start_child(world.spec("b")).await.unwrap();
        assert_eq!(world.node.whereis("b"), Some(pid));
        supervisor.start_child(world.spec("b")).await.unwrap_err();
        supervisor.delete_child("b").await.unwrap_err();
        supervisor.terminate_child("b").await.unwrap();
        assert_eq!(world.node.whereis("b"), None);
        let pid = supervisor.restart_child("b").await.unwrap();
        assert_eq!(world.node.whereis("b"), Some(pid));
        supervisor.terminate_child("b").await.unwrap();
        supervisor.delete_child("b").await.unwrap();
        supervisor.restart_child("b").await.unwrap_err();
        supervisor
            .start_child(world.spec("broken"))
            .await
            .unwrap_err();
        assert_eq!(supervisor.count_children().await.unwrap().specs, 1);
    });
}

#[test]
fn contract_c56_supervisors_nest_and_a_lower_one_that_gives_up_is_restarted() {
    in_time(async {
        let world = World::new();
        let lower = {
            let specs = ["b", "c"].map(|id| world.spec(id));
            let lower = Supervisor::builder().intensity(0, Duration::from_secs(1));
            let lower = lower.children(specs);
            ChildSpec::supervisor("lower", move || lower.clone().start())
        };
        let upper = Supervisor::builder().child(world.spec("a")).child(lower);
        let upper = upper.start().on(&world.node).await.unwrap();
        let lower = world.settle(&upper).await[1].expect("the lower one runs");
        let ended = world.node.ended(lower);
        world.did();
        world.stop("b", ExitReason::error("broken")).await;
        ended.await;
        assert_ne!(world.settle(&upper).await[1], Some(lower));
        assert_eq!(world.did(), "-b -c +b +c");
        upper.stop().await.unwrap();
        assert_eq!(world.did(), "-c -b -a");
    });
}

#[test]
fn a_killed_supervisors_children_end_through_their_links() {
    in_time(async {
        let world = World::new();
        let supervisor = world.start(&["a", "b"]).await;
        let ended = ["a", "b"].map(|name| world.node.ended(world.worker(name).pid()));
        let node = &world.node;
        node.exit(node.pid(), supervisor.pid(), ExitReason::Killed)
            .unwrap();
        for ended in ended {
            assert_eq!(ended.await, ExitReason::Killed);
        }
    });
}

#[test]
fn a_supervisor_ends_in_order_when_its_parent_asks() {
    in_time(async {
        let world = World::new();
        let specs = ["a", "b"].map(|id| world.spec(id));
        let lower = Supervisor::builder().children(specs);
        let lower = ChildSpec::supervisor("lower", move || lower.clone().start());
        let lower = lower.shutdown(Shutdown::After(Duration::from_secs(1)));
        let upper = Supervisor::builder().child(lower).start();
        let upper = upper.on(&world.node).await.unwrap();
        upper.terminate_child("lower").await.unwrap();
        assert_eq!(world.did(), "+a +b -b -a");
    });
}
