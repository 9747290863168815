//! `Call`: one modelled call, its sides, and what tells how it went.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::Notify;
use loom::thread::{self, spawn, yield_now};

use crate::call::cell::{
    Duty, Generation, Handle, Outcome, ReplyCell, Right, Standing, Terms, Waiting,
};
use crate::call::pool;
use crate::id::NodeId;
use crate::node::LocalNode;

/// The sweep whose call it is, and another one.
pub(super) const OWNER: u32 = 1;
pub(super) const OTHER: u32 = 2;

/// A task that waits until it is woken.
pub(super) struct Task(pub(super) Notify);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

pub(super) fn task() -> Arc<Task> {
    Arc::new(Task(Notify::new()))
}

/// What is dropped as often as it should be leaves one reference.
pub(super) type Reply = Arc<()>;

/// One call, and what tells afterwards how it went.
pub(super) struct Call {
    pub(super) cell: &'static ReplyCell,
    pub(super) generation: Generation,
    pub(super) task: Arc<Task>,
    pub(super) reply: Reply,
}

impl Call {
    pub(super) fn open() -> (Self, Waiting<Reply>, Handle<Reply>) {
        pool::forget_all();
        let (cell, task) = (pool::take(), task());
        let caller = Waker::from(Arc::clone(&task));
        let (waiting, handle, generation) = cell.open(terms(OWNER), None, caller);
        let call = Self {
            cell,
            generation,
            task,
            reply: Arc::new(()),
        };
        (call, waiting, handle)
    }

    /// A side that answers.
    pub(super) fn reply(&self, mut handle: Handle<Reply>) -> thread::JoinHandle<()> {
        let reply = Arc::clone(&self.reply);
        spawn(move || assert!(handle.reply(reply).is_none(), "its caller is of this node"))
    }

    /// A sweep, or a server, that finds that the time of the call is over.
    pub(super) fn expire(&self) -> thread::JoinHandle<()> {
        let (cell, generation) = (self.cell, self.generation);
        spawn(move || {
            if let Some(caller) = cell.expire(generation) {
                caller.wake();
            }
        })
    }

    pub(super) fn is_over(self) {
        assert_eq!(self.cell.standing(self.generation), Standing::Over);
        assert_eq!(pool::forget_all(), 1, "the cell is free, once");
        assert_eq!(Arc::strong_count(&self.reply), 1, "dropped once");
        assert_eq!(Arc::strong_count(&self.task), 1, "its wakers are gone");
    }
}

pub(super) fn terms(owner: u32) -> Terms {
    Terms::new(owner, Duration::from_secs(5))
}

/// The caller, as a task that is polled when it was woken.
pub(super) fn wait(waiting: &mut Waiting<Reply>, task: &Arc<Task>) -> Outcome<Reply> {
    let caller = Waker::from(Arc::clone(task));
    loop {
        if let Poll::Ready(outcome) = waiting.poll(&caller) {
            return outcome;
        }
        task.0.wait();
        yield_now();
    }
}

pub(super) fn own(handle: &mut Handle<Reply>) -> Duty {
    match handle.take_own() {
        Some(Right::Own(duty)) => duty,
        _ => panic!("the call is of this node"),
    }
}

/// A model that is too large to be tried whole: with so many moments at which a thread is stopped
/// though it could go on.
pub(super) fn bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(model);
}

pub(super) fn join<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// A node in a runtime of its own, which never runs.
pub(super) fn node() -> (tokio::runtime::Runtime, LocalNode) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let entered = runtime.enter();
    let node = LocalNode::start(NodeId::new("model", "127.0.0.1", 1).unwrap());
    drop(entered);
    (runtime, node)
}
