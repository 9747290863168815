//! How the time that supervisors take grows with their children.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that its cases share"
)]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use noex_core::{ExitReason, LocalNode, Pid};
use noex_gen_server::{Context, Flow, GenServer};
use noex_supervisor::{
    ChildSpec, DynamicSupervisor, DynamicSupervisorClient, Restart, Supervisor, SupervisorClient,
};
use parking_lot::Mutex;
use tokio::time::Instant;

/// How many children there are at most.
const COUNT: usize = if cfg!(debug_assertions) {
    20_000
} else {
    100_000
};

/// Ten times the children may take so many times as long; a step that looks at all the others
/// makes it a hundred.
const GROWTH_MAX: u32 = 20;

/// How long a supervisor has for its end; far more than it needs.
const PATIENCE: Duration = Duration::from_secs(300);

type Log = Arc<Mutex<Vec<usize>>>;

/// Notes its end, and ends when it is told to.
struct Worker(usize, Log);

impl GenServer for Worker {
    type Args = (usize, Log);
    type Call = ();
    type Cast = ();

    async fn init((number, log): Self::Args, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        Ok(Self(number, log))
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Stop(ExitReason::Normal)
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        self.1.lock().push(self.0);
    }
}

fn spec(number: usize, log: &Log) -> ChildSpec {
    let log = Arc::clone(log);
    let id = format!("worker {number}");
    ChildSpec::new(id, move || Worker::start((number, Arc::clone(&log))))
}

/// The real time that `work` with so many children takes, alone on its node.
async fn timed<F: Future<Output = ()>>(
    work: impl Fn(LocalNode, usize) -> F,
    count: usize,
) -> Duration {
    let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    let began = Instant::now();
    work(node.clone(), count).await;
    let elapsed = began.elapsed();
    assert_eq!(node.process_count(), 0);
    elapsed
}

/// Fails if ten times the children take much more than ten times as long. Another program may
/// slow a run down, so that one good try of three is enough.
fn grows_linearly<F: Future<Output = ()>>(work: impl Fn(LocalNode, usize) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut tries = (0..3).map(|_| {
        runtime.block_on(async {
            let few = timed(&work, COUNT / 10).await;
            let many = timed(&work, COUNT).await;
            println!("{} children: {few:?}, {COUNT}: {many:?}", COUNT / 10);
            many < few * GROWTH_MAX
        })
    });
    assert!(tries.any(|is_linear| is_linear));
}

#[test]
fn many_children_of_a_supervisor_start_and_stop_in_order() {
    grows_linearly(async |node: LocalNode, count| {
        let log = Log::default();
        let specs = (0..count).map(|number| spec(number, &log));
        let builder = Supervisor::builder().children(specs);
        let supervisor = builder.start().on(&node).await.unwrap();
        let counts = supervisor.count_children().await.unwrap();
        assert_eq!(counts.active, count);
        supervisor.stop().timeout(PATIENCE).await.unwrap();
        assert!(log.lock().iter().rev().copied().eq(0..count));
    });
}

#[test]
fn many_children_of_a_dynamic_supervisor_start_and_stop() {
    grows_linearly(async |node: LocalNode, count| {
        let log = Log::default();
        let supervisor = DynamicSupervisor::builder().start();
        let supervisor = supervisor.on(&node).await.unwrap();
        for number in 0..count {
            supervisor.start_child(spec(number, &log)).await.unwrap();
        }
        supervisor.stop().timeout(PATIENCE).await.unwrap();
        assert_eq!(log.lock().len(), count);
    });
}

#[test]
fn many_children_come_go_and_come_again_one_by_one() {
    grows_linearly(async |node: LocalNode, count| {
        let log = Log::default();
        let builder = Supervisor::builder().intensity(count, Duration::from_secs(3600));
        let supervisor = builder.start().on(&node).await.unwrap();
        let mut pids: Vec<Pid> = Vec::with_capacity(count);
        for number in 0..count {
            let restart = match number % 2 {
                0 => Restart::Permanent,
                _ => Restart::Temporary,
            };
            let spec = spec(number, &log).restart(restart);
            pids.push(supervisor.start_child(spec).await.unwrap());
            assert_eq!(
                supervisor.count_children().await.unwrap().active,
                number + 1
            );
        }
        {
            let _inside = node.enter();
            for pid in &pids {
                Worker::cast(*pid, ()).unwrap();
            }
        }
        for pid in pids {
            node.ended(pid).await;
        }
        for number in (0..count).step_by(2) {
            let id = format!("worker {number}");
            supervisor.terminate_child(&id).await.unwrap();
            supervisor.delete_child(&id).await.unwrap();
        }
        assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
        supervisor.stop().timeout(PATIENCE).await.unwrap();
    });
}
