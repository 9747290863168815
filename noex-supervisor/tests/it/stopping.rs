//! Supervisors that end, or fail, while something else is under way.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode, Pid};
use noex_gen_server::task::Task;
use noex_gen_server::{Context, Flow, GenServer, ServerRef, StartError};
use noex_supervisor::supervisor::StartChildError;
use noex_supervisor::{
    AutoShutdown, ChildSpec, DynamicSupervisor, DynamicSupervisorClient, Restart, RestartDelay,
    Shutdown, Supervisor, SupervisorClient,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::support::on_a_node;

/// What the workers of one test did, and what lets them go on.
#[derive(Clone)]
struct World {
    node: LocalNode,
    log: Arc<Mutex<Vec<String>>>,
    news: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

/// One whose name ends in `-start` or `-stop` waits there for the gate.
struct Worker(&'static str, World);

impl GenServer for Worker {
    type Args = (&'static str, World);
    type Call = ();
    type Cast = ExitReason;

    async fn init((name, world): Self::Args, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        world.wait_if(name.ends_with("-start")).await;
        world.note(&format!("+{name}"));
        Ok(Self(name, world))
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_cast(&mut self, reason: ExitReason, _cx: &mut Context<Self>) -> Flow {
        Flow::Stop(reason)
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        self.1.wait_if(self.0.ends_with("-stop")).await;
        self.1.note(&format!("-{}", self.0));
    }
}

impl World {
    /// Tells that it waits at the gate, and does.
    async fn wait_if(&self, is_to_wait: bool) {
        if is_to_wait {
            self.news.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
    }

    fn note(&self, what: &str) {
        self.log.lock().push(what.to_owned());
    }

    fn did(&self) -> String {
        std::mem::take(&mut *self.log.lock()).join(" ")
    }

    /// Waits until a worker waits at the gate.
    async fn at_gate(&self) {
        self.news.acquire().await.unwrap().forget();
    }

    fn open_gate(&self) {
        self.gate.add_permits(1);
    }

    /// A child whose id is its local name, and which may take as long as it needs.
    fn spec(&self, name: &'static str) -> ChildSpec {
        let world = self.clone();
        let start = move || Worker::start((name, world.clone())).name(name);
        ChildSpec::new(name, start).shutdown(Shutdown::Unlimited)
    }

    async fn supervisor(&self, names: &[&'static str]) -> ServerRef<Supervisor> {
        let specs = names.iter().map(|name| self.spec(name));
        Supervisor::builder().children(specs).start().await.unwrap()
    }

    fn kill(&self, pid: Pid) {
        let node = &self.node;
        node.exit(node.pid(), pid, ExitReason::Killed).unwrap();
    }

    /// Ends a worker; who is linked with it has heard of it when this is done.
    async fn end(&self, name: &str, reason: ExitReason) {
        let ended = self.node.ended(self.node.whereis(name).unwrap());
        Worker::cast(name, reason).unwrap();
        ended.await;
    }
}

/// Runs a test on a node, with a paused clock; a test that hangs fails.
fn in_time<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    on_a_node(|node| {
        test(World {
            node,
            log: Arc::default(),
            news: Arc::new(Semaphore::new(0)),
            gate: Arc::new(Semaphore::new(0)),
        })
    });
}

/// Asks the server to stop, and goes on; the task ends when it has.
fn stop<S: GenServer>(server: ServerRef<S>) -> noex_gen_server::task::TaskRef<()> {
    Task::spawn_unlinked(async move {
        let stop = server.stop().timeout(Duration::from_secs(600));
        stop.await.unwrap();
    })
}

#[test]
fn a_child_that_is_asked_for_while_the_supervisor_stops_is_refused() {
    in_time(async |world: World| {
        let supervisor = world.supervisor(&["a", "b-stop"]).await;
        let stopped = stop(supervisor.clone());
        world.at_gate().await;
        let spec = world.spec("late");
        let asking = Task::spawn_unlinked(async move { supervisor.start_child(spec).await });
        tokio::task::yield_now().await;
        world.open_gate();
        stopped.await.unwrap();
        let answer = asking.await.unwrap();
        let refused = matches!(answer, Err(StartChildError::Call(CallError::Exited(_))));
        assert!(refused, "{answer:?}");
        assert_eq!(world.did(), "+a +b-stop -b-stop -a");
        assert_eq!(world.node.process_count(), 0);
    });
}

#[test]
fn a_dynamic_child_that_is_asked_for_while_the_supervisor_stops_is_refused() {
    in_time(async |world: World| {
        let supervisor = DynamicSupervisor::builder().start().await.unwrap();
        let spec = world.spec("a-stop");
        supervisor.start_child(spec).await.unwrap();
        let stopped = stop(supervisor.clone());
        world.at_gate().await;
        let spec = world.spec("late");
        let asking = Task::spawn_unlinked(async move { supervisor.start_child(spec).await });
        tokio::task::yield_now().await;
        world.open_gate();
        stopped.await.unwrap();
        let answer = asking.await.unwrap();
        let refused = matches!(answer, Err(StartChildError::Call(CallError::Exited(_))));
        assert!(refused, "{answer:?}");
        assert_eq!(world.did(), "+a-stop -a-stop");
        assert_eq!(world.node.process_count(), 0);
    });
}

#[test]
fn a_child_that_starts_while_the_supervisor_is_asked_to_stop_is_stopped_too() {
    in_time(async |world: World| {
        let supervisor = world.supervisor(&["a"]).await;
        let (its, spec) = (supervisor.clone(), world.spec("b-start"));
        let asking = Task::spawn_unlinked(async move { its.start_child(spec).await });
        world.at_gate().await;
        let stopped = stop(supervisor);
        tokio::task::yield_now().await;
        world.open_gate();
        assert!(asking.await.unwrap().is_ok());
        stopped.await.unwrap();
        assert_eq!(world.did(), "+a +b-start -b-start -a");
        assert_eq!(world.node.process_count(), 0);
    });
}

#[test]
fn a_child_that_starts_while_its_supervisor_is_killed_ends_too() {
    in_time(async |world: World| {
        let supervisor = world.supervisor(&["a"]).await;
        let ended = world.node.ended(world.node.whereis("a").unwrap());
        let (its, spec) = (supervisor.clone(), world.spec("b-start"));
        let asking = Task::spawn_unlinked(async move { its.start_child(spec).await });
        world.at_gate().await;
        let starting = world.node.ended(world.node.whereis("b-start").unwrap());
        world.kill(supervisor.pid());
        assert!(asking.await.unwrap().is_err());
        assert_eq!(starting.await, ExitReason::Killed);
        assert_eq!(ended.await, ExitReason::Killed);
        assert_eq!(world.node.process_count(), 0);
    });
}

#[test]
fn a_start_that_is_given_up_leaves_no_child() {
    in_time(async |world: World| {
        let specs = ["a", "b-start"].map(|name| world.spec(name));
        let start = Supervisor::builder().children(specs).start();
        let failed = start.timeout(Duration::from_secs(1)).await;
        assert_eq!(failed.unwrap_err(), StartError::Timeout);
        while world.node.process_count() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.did(), "+a -a");
    });
}

#[test]
fn a_lower_supervisor_that_gives_up_again_ends_the_upper_one() {
    in_time(async |world: World| {
        let spec = world.spec("b");
        let lower = move || {
            let lower = Supervisor::builder().intensity(0, Duration::from_secs(5));
            lower.child(spec.clone()).start()
        };
        let upper = Supervisor::builder()
            .intensity(1, Duration::from_secs(5))
            .child(world.spec("a"))
            .child(ChildSpec::supervisor("lower", lower));
        let upper = upper.start().await.unwrap();
        let ended = world.node.ended(upper.pid());
        for _ in 0..2 {
            let lower = upper.which_children().await.unwrap()[1].pid.unwrap();
            let gone = world.node.ended(lower);
            world.end("b", ExitReason::error("broken")).await;
            gone.await;
        }
        let reason = ended.await;
        assert!(matches!(reason, ExitReason::ShutdownWith(_)), "{reason}");
        assert_eq!(world.did(), "+a +b -b +b -b -a");
        assert_eq!(world.node.process_count(), 0);
    });
}

#[test]
fn a_supervisor_ends_in_order_when_its_significant_child_is_done() {
    in_time(async |world: World| {
        let job = world.spec("job").restart(Restart::Transient).significant();
        let supervisor = Supervisor::builder()
            .auto_shutdown(AutoShutdown::AnySignificant)
            .child(world.spec("a"))
            .child(job)
            .child(world.spec("b"));
        let supervisor = supervisor.start().await.unwrap();
        let ended = world.node.ended(supervisor.pid());
        // A crash is no end: it comes back.
        world.end("job", ExitReason::error("broken")).await;
        assert_eq!(supervisor.count_children().await.unwrap().active, 3);
        world.end("job", ExitReason::Normal).await;
        assert_eq!(ended.await, ExitReason::Shutdown);
        assert_eq!(world.did(), "+a +job +b -job +job -job -b -a");
        assert_eq!(world.node.process_count(), 0);
    });
}

#[test]
fn a_child_that_crashes_waits_longer_for_each_restart() {
    in_time(async |world: World| {
        let supervisor = Supervisor::builder()
            .intensity(10, Duration::from_secs(3600))
            .restart_delay(RestartDelay {
                first: Duration::from_secs(1),
                max: Duration::from_secs(4),
            })
            .child(world.spec("a-start"));
        world.open_gate();
        let supervisor = supervisor.start().await.unwrap();
        world.at_gate().await;
        for waits in [1, 2, 4, 4] {
            let began = Instant::now();
            world.end("a-start", ExitReason::error("broken")).await;
            assert_eq!(supervisor.count_children().await.unwrap().active, 0);
            world.open_gate();
            world.at_gate().await;
            assert_eq!(began.elapsed().as_secs(), waits);
            assert_eq!(supervisor.count_children().await.unwrap().active, 1);
        }
        // It does not come back behind the supervisor's end, however much time passes.
        world.end("a-start", ExitReason::error("broken")).await;
        stop(supervisor).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(world.node.process_count(), 0);
    });
}

/// Blocks its thread when it is asked to end, until the other end of the channel is gone.
struct Deaf(std::sync::mpsc::Receiver<()>);

impl GenServer for Deaf {
    type Args = std::sync::mpsc::Receiver<()>;
    type Call = ();
    type Cast = ();

    async fn init(gate: Self::Args, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        Ok(Self(gate))
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        let _closed = self.0.recv();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_child_that_never_yields_is_left_behind() {
    let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    let (keep, gate) = std::sync::mpsc::channel();
    let gate = Mutex::new(Some(gate));
    let deaf = ChildSpec::new("deaf", move || Deaf::start(gate.lock().take().unwrap()));
    let deaf = deaf.shutdown(Shutdown::After(Duration::from_millis(10)));
    let supervisor = Supervisor::builder().child(deaf).start().on(&node);
    let supervisor = supervisor.await.unwrap();
    let child = supervisor.which_children().await.unwrap()[0].pid.unwrap();
    let ended = node.ended(child);
    let stop = supervisor.stop().timeout(Duration::from_secs(30));
    stop.await.unwrap();
    assert!(node.is_alive(child));
    drop(keep);
    ended.await;
    assert_eq!(node.process_count(), 0);
}
