//! The thread of a server: one job after the other, until its process has gone.

use std::any::Any;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use noex_core::mailbox::Info;
use noex_core::process::{DroppedReplies, run_as};
use noex_core::{ExitReason, LocalNode, Panic, Pid, ReplyTo};
use tokio::sync::oneshot;

use super::{BlockingContext, BlockingServer};
use crate::Flow;
use crate::context::Deadline;

/// What the thread is to do.
pub(super) enum Job<B: BlockingServer> {
    Init(B::Args),
    Call(B::Call, Deadline),
    Cast(B::Cast),
    Info(Info),
    Continue(Box<dyn Any + Send>),
    Describe(ReplyTo<Option<String>>),
    /// Terminate, and drop the state.
    End(ExitReason),
}

/// A job, and where its outcome goes.
pub(super) struct Order<B: BlockingServer> {
    pub(super) job: Job<B>,
    pub(super) done: oneshot::Sender<Done>,
}

/// The outcome of a job. After a panic the thread has dropped the state and is over.
pub(super) struct Done {
    pub(super) flow: Result<Flow, Panic>,
    pub(super) dropped: DroppedReplies,
}

/// Starts the thread. It ends when the sender is dropped.
///
/// # Errors
/// The system has no more threads.
pub(super) fn start<B: BlockingServer>(
    cx: BlockingContext<B>,
) -> Result<Sender<Order<B>>, ExitReason> {
    // The process sends one order and waits for its end before the next.
    let (tx, orders) = bounded(1);
    let name = format!("noex {}", cx.pid());
    let thread = thread::Builder::new().name(name);
    let started = thread.spawn(move || work(&orders, cx));
    // Nobody joins it: its process may be gone while it is still within a callback.
    started
        .map(|_thread| tx)
        .map_err(|error| ExitReason::error(format_args!("no thread for the server: {error}")))
}

fn work<B: BlockingServer>(orders: &Receiver<Order<B>>, mut cx: BlockingContext<B>) {
    let (node, pid) = (cx.node().clone(), cx.pid());
    let mut state = None;
    while let Ok(Order { job, done }) = orders.recv() {
        let (flow, dropped) = run_as(&node, pid, || perform(&mut state, job, &mut cx));
        if flow.is_err() {
            let late = drop_state(&node, pid, &mut state);
            report(done, Done { flow, dropped });
            drop(late);
            return;
        }
        report(done, Done { flow, dropped });
    }
    drop(drop_state(&node, pid, &mut state));
}

fn report(done: oneshot::Sender<Done>, outcome: Done) {
    // A process that was killed meanwhile does not hear it.
    drop(done.send(outcome));
}

/// A panic of the state's own drop has nobody left to tell.
fn drop_state<B>(node: &LocalNode, pid: Pid, state: &mut Option<B>) -> DroppedReplies {
    let (outcome, dropped) = run_as(node, pid, || drop(state.take()));
    if let Err(panic) = outcome {
        tracing::error!(%pid, %panic, "the state of a server panicked when it was dropped");
    }
    dropped
}

fn perform<B: BlockingServer>(
    state: &mut Option<B>,
    job: Job<B>,
    cx: &mut BlockingContext<B>,
) -> Flow {
    let Some(server) = state else {
        // Nothing else is asked of a server that is not there yet.
        let Job::Init(args) = job else {
            return Flow::Continue;
        };
        return match B::init(args, cx) {
            Ok(made) => {
                *state = Some(made);
                Flow::Continue
            }
            Err(reason) => Flow::Stop(reason),
        };
    };
    match job {
        Job::Call(call, deadline) => {
            cx.set_deadline(deadline);
            let flow = server.handle_call(call, cx);
            cx.set_deadline(Deadline::None);
            flow
        }
        Job::Cast(cast) => server.handle_cast(cast, cx),
        Job::Info(info) => server.handle_info(info, cx),
        Job::Continue(value) => server.handle_continue(value, cx),
        Job::Describe(reply) => {
            reply.send(server.describe());
            Flow::Continue
        }
        Job::End(reason) => {
            server.terminate(&reason, cx);
            *state = None;
            Flow::Continue
        }
        Job::Init(_) => Flow::Continue,
    }
}
