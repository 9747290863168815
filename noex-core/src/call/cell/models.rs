//! Models of the reply cell: loom tries every order in which its sides can meet.
//!
//! Each one ends in [`Call::is_over`]: everything was dropped once, and the cell is free once. That
//! nobody uses a cell that is free, or a waker or body that is another's, is loom's to find; and
//! that a caller is woken, as it would wait for ever.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::Notify;
use loom::thread::{self, spawn, yield_now};

use super::{Due, Duty, Generation, Handle, Outcome, ReplyCell, Right, Standing, Terms, Waiting};
use crate::call::{CallError, pool};
use crate::id::{Creation, NodeId};
use crate::node::LocalNode;

/// The sweep whose call it is, and another one.
const OWNER: u32 = 1;
const OTHER: u32 = 2;

/// A task that waits until it is woken.
struct Task(Notify);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

fn task() -> Arc<Task> {
    Arc::new(Task(Notify::new()))
}

/// What is dropped as often as it should be leaves one reference.
type Reply = Arc<()>;

/// One call, and what tells afterwards how it went.
struct Call {
    cell: &'static ReplyCell,
    generation: Generation,
    task: Arc<Task>,
    reply: Reply,
}

impl Call {
    fn open() -> (Self, Waiting<Reply>, Handle<Reply>) {
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
    fn reply(&self, mut handle: Handle<Reply>) -> thread::JoinHandle<()> {
        let reply = Arc::clone(&self.reply);
        spawn(move || assert!(handle.reply(reply).is_none(), "its caller is of this node"))
    }

    /// A sweep, or a server, that finds that the time of the call is over.
    fn expire(&self) -> thread::JoinHandle<()> {
        let (cell, generation) = (self.cell, self.generation);
        spawn(move || {
            if let Some(caller) = cell.expire(generation) {
                caller.wake();
            }
        })
    }

    fn is_over(self) {
        assert_eq!(self.cell.standing(self.generation), Standing::Over);
        assert_eq!(pool::forget_all(), 1, "the cell is free, once");
        assert_eq!(Arc::strong_count(&self.reply), 1, "dropped once");
        assert_eq!(Arc::strong_count(&self.task), 1, "its wakers are gone");
    }
}

fn terms(owner: u32) -> Terms {
    Terms::new(owner, Duration::from_secs(5))
}

/// The caller, as a task that is polled when it was woken.
fn wait(waiting: &mut Waiting<Reply>, task: &Arc<Task>) -> Outcome<Reply> {
    let caller = Waker::from(Arc::clone(task));
    loop {
        if let Poll::Ready(outcome) = waiting.poll(&caller) {
            return outcome;
        }
        task.0.wait();
        yield_now();
    }
}

fn own(handle: &mut Handle<Reply>) -> Duty {
    match handle.take_own() {
        Some(Right::Own(duty)) => duty,
        _ => panic!("the call is of this node"),
    }
}

/// A model that is too large to be tried whole: with so many moments at which a thread is stopped
/// though it could go on.
fn bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(model);
}

fn join<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn loom_a_reply_meets_its_caller() {
    loom::model(|| {
        let (call, mut waiting, handle) = Call::open();
        let threads = [call.reply(handle)];
        let outcome = wait(&mut waiting, &call.task);
        assert!(matches!(outcome, Outcome::Reply(_)));
        drop(outcome);
        join(threads);
        call.is_over();
    });
}

#[test]
fn loom_a_reply_meets_a_caller_that_gives_up() {
    loom::model(|| {
        let (call, waiting, handle) = Call::open();
        let threads = [call.reply(handle)];
        drop(waiting);
        join(threads);
        call.is_over();
    });
}

#[test]
fn loom_a_reply_meets_a_caller_that_looks_once_and_gives_up() {
    loom::model(|| {
        let (call, mut waiting, handle) = Call::open();
        let threads = [call.reply(handle)];
        let polled = waiting.poll(&Waker::from(Arc::clone(&call.task)));
        drop((polled, waiting));
        join(threads);
        call.is_over();
    });
}

#[test]
fn loom_a_reply_an_expiry_and_the_caller_meet() {
    loom::model(|| {
        let (call, mut waiting, handle) = Call::open();
        let threads = [call.reply(handle), call.expire()];
        let outcome = wait(&mut waiting, &call.task);
        assert!(matches!(outcome, Outcome::Reply(_) | Outcome::Expired));
        drop(outcome);
        join(threads);
        call.is_over();
    });
}

#[test]
fn loom_a_reply_an_expiry_and_giving_up_meet() {
    loom::model(|| {
        let (call, waiting, handle) = Call::open();
        let threads = [call.reply(handle), call.expire()];
        drop(waiting);
        join(threads);
        call.is_over();
    });
}

#[test]
fn loom_two_find_that_the_time_is_over() {
    loom::model(|| {
        let (call, mut waiting, handle) = Call::open();
        let threads = [call.expire(), call.expire()];
        assert_eq!(wait(&mut waiting, &call.task), Outcome::Expired);
        join(threads);
        join([call.reply(handle)]);
        call.is_over();
    });
}

#[test]
fn loom_a_failure_of_an_expired_call_is_its_expiry() {
    loom::model(|| {
        let (call, mut waiting, mut handle) = Call::open();
        // A server that finds the call expired lets go of its handle.
        let (cell, generation) = (call.cell, call.generation);
        let server = spawn(move || {
            let caller = cell.expire(generation);
            drop(own(&mut handle));
            caller.into_iter().for_each(Waker::wake);
        });
        assert_eq!(wait(&mut waiting, &call.task), Outcome::Expired);
        join([server]);
        call.is_over();
    });
}

#[test]
fn loom_a_reply_meets_a_change_of_the_waker() {
    loom::model(|| {
        let (call, mut waiting, handle) = Call::open();
        let threads = [call.reply(handle)];
        let other = task();
        let outcome = wait(&mut waiting, &other);
        assert!(matches!(outcome, Outcome::Reply(_)));
        drop(outcome);
        join(threads);
        assert_eq!(Arc::strong_count(&other), 1);
        call.is_over();
    });
}

#[test]
fn loom_an_expiry_meets_a_change_of_the_waker() {
    loom::model(|| {
        let (call, mut waiting, handle) = Call::open();
        let threads = [call.expire()];
        let other = task();
        assert_eq!(wait(&mut waiting, &other), Outcome::Expired);
        join(threads);
        join([call.reply(handle)]);
        assert_eq!(Arc::strong_count(&other), 1);
        call.is_over();
    });
}

#[test]
fn loom_a_reply_an_expiry_and_a_change_of_the_waker_meet() {
    bounded(3, || {
        let (call, mut waiting, handle) = Call::open();
        let threads = [call.reply(handle), call.expire()];
        let other = task();
        drop(wait(&mut waiting, &other));
        join(threads);
        assert_eq!(Arc::strong_count(&other), 1);
        call.is_over();
    });
}

#[test]
fn loom_a_dropped_handle_meets_its_caller() {
    loom::model(|| {
        let (call, mut waiting, mut handle) = Call::open();
        let threads = [spawn(move || drop(own(&mut handle)))];
        let dropped = Outcome::Failed(CallError::ReplyDropped);
        assert_eq!(wait(&mut waiting, &call.task), dropped);
        join(threads);
        call.is_over();
    });
}

#[test]
fn loom_a_dropped_handle_meets_a_caller_that_gives_up() {
    loom::model(|| {
        let (call, waiting, mut handle) = Call::open();
        let threads = [spawn(move || drop(own(&mut handle)))];
        drop(waiting);
        join(threads);
        call.is_over();
    });
}

/// A node in a runtime of its own, which never runs.
fn node() -> (tokio::runtime::Runtime, LocalNode) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let entered = runtime.enter();
    let node = LocalNode::start(NodeId::new("model", "127.0.0.1", 1).unwrap());
    drop(entered);
    (runtime, node)
}

#[test]
fn loom_a_handle_that_leaves_its_node_meets_a_caller_that_gives_up() {
    loom::model(|| {
        let (_runtime, node) = node();
        let (call, waiting, mut handle) = Call::open();
        let here = node.clone();
        let threads = [spawn(move || {
            here.open_call(own(&mut handle), Creation::random());
        })];
        drop(waiting);
        join(threads);
        assert_eq!(node.pending_calls(), 0);
        call.is_over();
    });
}

#[test]
fn loom_a_handle_that_leaves_its_node_meets_an_expiry() {
    loom::model(|| {
        let (_runtime, node) = node();
        let (call, mut waiting, mut handle) = Call::open();
        let here = node.clone();
        let threads = [
            call.expire(),
            spawn(move || {
                here.open_call(own(&mut handle), Creation::random());
            }),
        ];
        assert_eq!(wait(&mut waiting, &call.task), Outcome::Expired);
        join(threads);
        assert_eq!(node.pending_calls(), 0);
        call.is_over();
    });
}

/// Ends the call, and begins another sweep's in the same cell. Both its sides.
fn use_again(
    call: &Call,
    (mut waiting, mut handle): (Waiting<Reply>, Handle<Reply>),
    at: Option<u64>,
) -> (Waiting<Reply>, Handle<Reply>, Generation) {
    handle.reply(Arc::clone(&call.reply));
    drop(wait(&mut waiting, &call.task));
    let caller = Waker::from(Arc::clone(&call.task));
    let cell = pool::take();
    assert!(std::ptr::eq(cell, call.cell), "it is free again");
    cell.open(terms(OTHER), at, caller)
}

/// Answers the second call, and what a sweep did is no matter to it.
fn finish(call: Call, sides: (Waiting<Reply>, Handle<Reply>)) {
    let (mut waiting, mut handle) = sides;
    handle.reply(Arc::clone(&call.reply));
    assert!(matches!(wait(&mut waiting, &call.task), Outcome::Reply(_)));
    call.is_over();
}

#[test]
fn loom_a_sweep_starts_no_time_but_its_own_call_s() {
    loom::model(|| {
        let (call, waiting, handle) = Call::open();
        let cell = call.cell;
        let (first, at) = (call.generation, Due::At(7));
        let threads = [spawn(move || {
            if let Some(generation) = cell.waiting()
                && cell.terms().is_of(OWNER)
                && cell.start(generation, 7) == at
            {
                // The second call's store is behind this one, as that was still there. (Loom
                // orders a store behind what another thread exchanged only if it knows of it, and
                // would let the second call find a time that was overwritten.)
                assert_eq!(generation, first);
            }
        })];
        let (waiting, handle, second) = use_again(&call, (waiting, handle), None);
        assert_ne!(first, second);
        join(threads);
        finish(call, (waiting, handle));
    });
}

#[test]
fn loom_a_sweep_expires_no_call_but_its_own() {
    loom::model(|| {
        let (call, waiting, handle) = Call::open();
        let cell = call.cell;
        let threads = [spawn(move || {
            if let Some(generation) = cell.waiting()
                && cell.terms().is_of(OWNER)
                && let Some(caller) = cell.expire(generation)
            {
                caller.wake();
            }
        })];
        // An expiry that comes between leaves the cell to whoever is through with it last.
        let mut sides = (waiting, handle);
        sides.1.reply(Arc::clone(&call.reply));
        drop(wait(&mut sides.0, &call.task));
        let other = pool::take();
        let caller = Waker::from(Arc::clone(&call.task));
        let (waiting, handle, generation) = other.open(terms(OTHER), None, caller);
        join(threads);
        assert_eq!(other.standing(generation), Standing::Waiting);
        let mut sides = (waiting, handle);
        sides.1.reply(Arc::clone(&call.reply));
        drop(wait(&mut sides.0, &call.task));
        assert!((1..=2).contains(&pool::forget_all()));
    });
}

#[test]
fn loom_a_guard_sees_the_deadline_of_no_call_but_its_own() {
    loom::model(|| {
        let (call, waiting, handle) = Call::open();
        let (cell, generation) = (call.cell, call.generation);
        let threads = [spawn(move || {
            let (due, terms) = (cell.due(), cell.terms());
            if cell.standing(generation) == Standing::Waiting {
                assert_eq!(due, Due::Unmet(generation));
                assert!(terms.is_of(OWNER));
            }
        })];
        let (waiting, handle, _) = use_again(&call, (waiting, handle), Some(7));
        join(threads);
        finish(call, (waiting, handle));
    });
}

#[test]
fn loom_a_server_expires_what_a_sweep_starts() {
    loom::model(|| {
        let (call, mut waiting, handle) = Call::open();
        let (cell, generation) = (call.cell, call.generation);
        let threads = [
            spawn(move || assert_eq!(cell.start(generation, 7), Due::At(7))),
            call.expire(),
        ];
        assert_eq!(wait(&mut waiting, &call.task), Outcome::Expired);
        join(threads);
        assert_eq!(cell.due(), Due::At(7));
        join([call.reply(handle)]);
        call.is_over();
    });
}
