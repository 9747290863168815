//! Calls from outside of the runtime, and servers on threads of their own.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use noex_core::mailbox::Info;
use noex_core::{CallError, ExitReason, Local, LocalNode, ReplyTo, current_pid};
use noex_gen_server::blocking::{self, BlockingContext, BlockingServer, OnThread};
use noex_gen_server::{Flow, GenServer, ServerRef, StartError};
use parking_lot::Mutex;

use crate::server::{Ask, Other, Probe, Tell};
use crate::support::{Net, id, on, soon};

/// Runs `work` on a thread that is not the runtime's, and waits for it.
async fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (tx, rx) = tokio::sync::oneshot::channel();
    thread::spawn(move || tx.send(work()).map_err(drop).unwrap());
    soon("the thread ends", rx).await.unwrap()
}

#[tokio::test]
async fn a_thread_calls_and_casts_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, _board) = Probe::on(home).await;
        let node = nodes[0].clone();
        let sum = outside(move || {
            let _inside = node.enter();
            blocking::cast::<Probe, _>(server.pid(), Tell::Add(2)).unwrap();
            blocking::call(&ServerRef::<Probe>::from_pid(server.pid()), Ask::Sum)
        });
        assert_eq!(sum.await, Ok(2));
    }
}

#[tokio::test]
async fn a_blocking_call_fails_as_any_call() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    let held = server.clone();
    let short = Duration::from_millis(20);
    let late = outside(move || blocking::call_within(short, &held, Ask::Wait)).await;
    assert_eq!(late, Err(CallError::Timeout));
    board.open();
    let broken = server.clone();
    let broken = outside(move || blocking::call(&broken, Ask::Drop));
    assert_eq!(broken.await, Err(CallError::ReplyDropped));
    server.stop().await.unwrap();
    let gone = outside(move || blocking::call(&server, Ask::Sum));
    assert_eq!(gone.await, Err(CallError::NoProcess));
    let nowhere = outside(|| blocking::call::<Other, _, _, _>("none", |reply| reply)).await;
    assert_eq!(nowhere, Err(CallError::NoNode));
}

#[tokio::test]
#[should_panic(expected = "would block a thread of the runtime")]
async fn a_blocking_call_within_the_runtime_panics() {
    let node = LocalNode::start(id(1));
    let (server, _board) = Probe::on(&node).await;
    drop(blocking::call(&server, Ask::Sum));
}

type Log = Arc<Mutex<Vec<String>>>;

/// Has a state that can't leave its thread.
struct Worker {
    sum: Rc<Cell<u64>>,
    log: Log,
}

enum Step {
    /// Tells that it is there, then waits until the other end is dropped.
    Hold(mpsc::Sender<()>, mpsc::Receiver<()>),
    Add(u64),
    Where,
    Panic,
    Drop,
    AskOther(ServerRef<Probe>),
    Later,
    Stop,
}

impl BlockingServer for Worker {
    type Args = Option<Log>;
    type Call = Local<(Step, ReplyTo<u64>)>;
    type Cast = u64;

    fn init(log: Option<Log>, _cx: &mut BlockingContext<Self>) -> Result<Self, ExitReason> {
        let sum = Rc::default();
        let log = log.ok_or_else(|| ExitReason::error("no log"))?;
        Ok(Self { sum, log })
    }

    fn handle_call(&mut self, call: Self::Call, cx: &mut BlockingContext<Self>) -> Flow {
        let Local((step, reply)) = call;
        match step {
            Step::Hold(here, gate) => {
                here.send(()).unwrap();
                assert!(gate.recv().is_err());
            }
            Step::Add(number) => self.sum.set(self.sum.get() + number),
            Step::Where => {
                assert_eq!(current_pid(), Some(cx.pid()));
                assert!(cx.deadline().is_some() && LocalNode::current().is_some());
                assert!(thread::current().name().unwrap().starts_with("noex <"));
            }
            Step::Panic => panic!("it broke"),
            Step::Drop => {
                drop(reply);
                return Flow::Continue;
            }
            Step::AskOther(server) => {
                let asked = blocking::call(&server, Ask::Sum).unwrap();
                self.sum.set(asked);
            }
            Step::Later => {
                cx.send_after(Duration::from_millis(1), "timer");
                cx.continue_with("continue");
            }
            Step::Stop => {
                drop(reply);
                return Flow::Stop(ExitReason::Shutdown);
            }
        }
        reply.send(self.sum.get());
        Flow::Continue
    }

    fn handle_cast(&mut self, number: u64, _cx: &mut BlockingContext<Self>) -> Flow {
        self.sum.set(self.sum.get() + number);
        Flow::Continue
    }

    fn handle_info(&mut self, info: Info, _cx: &mut BlockingContext<Self>) -> Flow {
        let Info::Other(value) = info else {
            return Flow::Stop(ExitReason::error(format!("{info:?}")));
        };
        self.note(value.downcast_ref::<&str>().unwrap());
        Flow::Stop(ExitReason::Shutdown)
    }

    fn handle_continue(
        &mut self,
        value: Box<dyn Any + Send>,
        _: &mut BlockingContext<Self>,
    ) -> Flow {
        self.note(value.downcast_ref::<&str>().unwrap());
        Flow::Continue
    }

    fn describe(&self) -> Option<String> {
        assert!(thread::current().name().unwrap().starts_with("noex <"));
        Some(format!("sum {}", self.sum.get()))
    }

    fn terminate(&mut self, reason: &ExitReason, _cx: &mut BlockingContext<Self>) {
        self.note(&format!("terminate {reason}"));
    }
}

impl Worker {
    fn note(&self, what: &str) {
        self.log.lock().push(what.into());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

async fn worker(node: &LocalNode) -> (ServerRef<OnThread<Worker>>, Log) {
    let log = Log::default();
    let worker = Worker::start(Some(Arc::clone(&log))).name("worker");
    (worker.on(node).await.unwrap(), log)
}

async fn ask(worker: &ServerRef<OnThread<Worker>>, step: Step) -> Result<u64, CallError> {
    worker.call(|reply| Local((step, reply))).await
}

#[tokio::test]
async fn a_server_on_a_thread_is_called_cast_named_and_stopped_as_any_other() {
    let (_net, nodes) = Net::of(2);
    let (server, log) = worker(&nodes[0]).await;
    assert_eq!(ask(&server, Step::Add(1)).await, Ok(1));
    server.cast(2).unwrap();
    on(&nodes[1], async {
        OnThread::<Worker>::cast(server.pid(), 4)
    })
    .await
    .unwrap();
    assert_eq!(ask(&server, Step::Where).await, Ok(7));
    assert_eq!(nodes[0].whereis("worker"), Some(server.pid()));
    server.stop().await.unwrap();
    assert_eq!(*log.lock(), ["terminate normal", "dropped"]);
    assert_eq!(ask(&server, Step::Where).await, Err(CallError::NoProcess));
}

#[tokio::test]
async fn a_blocked_server_does_not_hold_up_the_runtime_and_may_call_others() {
    let node = LocalNode::start(id(1));
    let (server, _log) = worker(&node).await;
    let (probe, _board) = Probe::on(&node).await;
    let (here, is_here) = mpsc::channel();
    let (gate, held) = mpsc::channel();
    let hold = noex_core::task::spawn(&node, {
        let server = server.clone();
        async move { ask(&server, Step::Hold(here, held)).await }
    });
    outside(move || is_here.recv().unwrap()).await;
    probe.cast(Tell::Add(3)).unwrap();
    assert_eq!(probe.call(Ask::Sum).await, Ok(3));
    drop(gate);
    assert_eq!(hold.await.unwrap(), Ok(0));
    assert_eq!(ask(&server, Step::AskOther(probe)).await, Ok(3));
}

#[tokio::test]
async fn a_panic_on_the_thread_is_the_reason_of_its_process() {
    let node = LocalNode::start(id(1));
    let (server, log) = worker(&node).await;
    let ended = node.ended(server.pid());
    let Err(CallError::Exited(reason)) = ask(&server, Step::Panic).await else {
        panic!("its caller learns the reason");
    };
    let ExitReason::Panic(panic) = &reason else {
        panic!("{reason}");
    };
    assert_eq!(&*panic.message, "it broke");
    assert!(panic.location.as_deref().unwrap().contains("blocking.rs"));
    assert_eq!(ended.await, reason);
    assert_eq!(*log.lock(), ["dropped"]);
}

#[tokio::test]
async fn a_handle_that_the_thread_drops_shares_the_fate_of_the_process() {
    let node = LocalNode::start(id(1));
    let (server, _log) = worker(&node).await;
    let stopped = ask(&server, Step::Stop).await;
    assert_eq!(stopped, Err(CallError::Exited(ExitReason::Shutdown)));
    let (server, _log) = worker(&node).await;
    assert_eq!(ask(&server, Step::Drop).await, Err(CallError::ReplyDropped));
    assert_eq!(ask(&server, Step::Add(1)).await, Ok(1));
}

#[tokio::test]
async fn a_kill_ends_the_process_at_once_and_the_thread_after_its_callback() {
    let node = LocalNode::start(id(1));
    let (server, log) = worker(&node).await;
    let (here, is_here) = mpsc::channel();
    let (gate, held) = mpsc::channel();
    let hold = noex_core::task::spawn(&node, {
        let server = server.clone();
        async move { ask(&server, Step::Hold(here, held)).await }
    });
    outside(move || is_here.recv().unwrap()).await;
    let ended = node.ended(server.pid());
    node.exit(node.pid(), server.pid(), ExitReason::Killed)
        .unwrap();
    assert_eq!(soon("it ends", ended).await, ExitReason::Killed);
    assert_eq!((node.whereis("worker"), log.lock().len()), (None, 0));
    drop(gate);
    assert_eq!(hold.await.unwrap(), Ok(0));
    outside(move || {
        while log.lock().is_empty() {
            thread::yield_now();
        }
    })
    .await;
}

#[tokio::test]
async fn timers_and_continuations_run_on_the_thread_too() {
    let node = LocalNode::start(id(1));
    let (server, log) = worker(&node).await;
    let ended = node.ended(server.pid());
    ask(&server, Step::Later).await.unwrap();
    assert_eq!(
        soon("the timer stops it", ended).await,
        ExitReason::Shutdown
    );
    let expected = ["continue", "timer", "terminate shutdown", "dropped"];
    assert_eq!(*log.lock(), expected);
}

#[tokio::test]
async fn an_init_that_fails_on_the_thread_starts_nothing() {
    let node = LocalNode::start(id(1));
    let failed = Worker::start(None).on(&node).await.unwrap_err();
    assert_eq!(failed, StartError::Init(ExitReason::error("no log")));
    assert_eq!(node.process_count(), 0);
}

#[tokio::test]
async fn a_blocking_server_tells_its_state_on_its_own_thread() {
    let node = LocalNode::start(id(1));
    let worker = Worker::start(Some(Log::default())).on(&node).await.unwrap();
    worker
        .call(|reply| Local((Step::Add(7), reply)))
        .await
        .unwrap();
    worker.inspect().suspend();
    assert_eq!(
        worker.inspect().state().await.unwrap().as_deref(),
        Some("sum 7")
    );
    worker.inspect().resume();
    let sum = worker.call(|reply| Local((Step::Add(1), reply))).await;
    assert_eq!(sum, Ok(8));
}
