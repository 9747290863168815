//! Tests of the reply cell, one side after the other, and a few with threads. They run under miri.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use super::{Due, Duty, Generation, Handle, Outcome, ReplyCell, Right, Standing, Terms, Waiting};
use crate::call::tests::alone;
use crate::call::{CallError, pool};

struct Call<R> {
    cell: &'static ReplyCell,
    generation: Generation,
    waiting: Waiting<R>,
    handle: Handle<R>,
}

fn open<R: Send + 'static>(caller: Waker) -> Call<R> {
    let cell = pool::take();
    let terms = Terms::new(1, Duration::from_secs(5));
    let (waiting, handle, generation) = cell.open(terms, None, caller);
    Call {
        cell,
        generation,
        waiting,
        handle,
    }
}

fn own<R>(handle: &mut Handle<R>) -> Duty {
    match handle.take_own() {
        Some(Right::Own(duty)) => duty,
        _ => panic!("the call is of this node"),
    }
}

/// The cell was given back: the next call on this thread has it.
fn assert_free(cell: &'static ReplyCell, generation: Generation) {
    let next = open::<()>(Waker::noop().clone());
    assert!(std::ptr::eq(next.cell, cell));
    assert_eq!(next.generation.number(), generation.number() + 1);
    let Call {
        waiting,
        mut handle,
        ..
    } = next;
    drop(waiting);
    drop(own(&mut handle));
}

/// Wakes nobody, and counts how often it should have.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn arrives<R: Clone + PartialEq + std::fmt::Debug + Send + 'static>(reply: &R) {
    let count = Arc::new(Count::default());
    let mut call = open::<R>(Waker::from(Arc::clone(&count)));
    let caller = Waker::from(Arc::clone(&count));
    assert_eq!(call.waiting.poll(&caller), Poll::Pending);
    assert!(call.handle.reply(reply.clone()).is_none());
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    let outcome = Poll::Ready(Outcome::Reply(reply.clone()));
    assert_eq!(call.waiting.poll(&caller), outcome);
    assert_eq!(call.cell.standing(call.generation), Standing::Over);
    assert_free(call.cell, call.generation);
}

#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
struct Aligned(u8);

#[test]
fn a_reply_of_any_size_arrives_as_it_was() {
    let _alone = alone();
    arrives(&());
    arrives(&7_u8);
    arrives(&[7_u64; 7]);
    arrives(&[7_u64; 8]);
    arrives(&u128::MAX);
    arrives(&Aligned(7));
    arrives(&String::from("a reply on the heap"));
    arrives(&Some(Box::new(7)));
}

#[test]
fn encoded_replies_and_errors_arrive_as_what_they_are() {
    let _alone = alone();
    let mut call = open::<u64>(Waker::noop().clone());
    own(&mut call.handle).reply_encoded(Bytes::from_static(b"reply"));
    let outcome = Outcome::Encoded(Bytes::from_static(b"reply"));
    assert_eq!(call.waiting.poll(Waker::noop()), Poll::Ready(outcome));
    assert_free(call.cell, call.generation);
    let mut call = open::<u64>(Waker::noop().clone());
    own(&mut call.handle).fail(CallError::Full);
    let outcome = Outcome::Failed(CallError::Full);
    assert_eq!(call.waiting.poll(Waker::noop()), Poll::Ready(outcome));
    assert_free(call.cell, call.generation);
}

#[test]
fn a_call_that_expired_is_over_when_both_sides_are_through() {
    let _alone = alone();
    let (reply, count) = (Arc::new(()), Arc::new(Count::default()));
    let mut call = open::<Arc<()>>(Waker::from(Arc::clone(&count)));
    assert_eq!(call.cell.waiting(), Some(call.generation));
    call.cell
        .expire(call.generation)
        .into_iter()
        .for_each(Waker::wake);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(call.cell.standing(call.generation), Standing::Expired);
    assert!(call.cell.expire(call.generation).is_none(), "it is settled");
    assert_eq!(
        call.waiting.poll(Waker::noop()),
        Poll::Ready(Outcome::Expired)
    );
    assert_eq!(call.cell.standing(call.generation), Standing::Expired);
    assert!(call.handle.reply(Arc::clone(&reply)).is_none());
    assert_eq!(Arc::strong_count(&reply), 1);
    assert_free(call.cell, call.generation);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn a_reply_to_an_expired_call_arrives_if_its_caller_did_not_look() {
    let _alone = alone();
    let mut call = open::<u64>(Waker::noop().clone());
    drop(call.cell.expire(call.generation));
    assert!(call.handle.reply(7).is_none());
    let outcome = Outcome::Reply(7);
    assert_eq!(call.waiting.poll(Waker::noop()), Poll::Ready(outcome));
    assert_free(call.cell, call.generation);
}

#[test]
fn a_reply_that_nobody_wants_is_dropped() {
    let _alone = alone();
    let (reply, count) = (Arc::new(()), Arc::new(Count::default()));
    let mut call = open::<Arc<()>>(Waker::from(Arc::clone(&count)));
    drop(call.waiting);
    assert_eq!(Arc::strong_count(&count), 1);
    assert_eq!(call.cell.standing(call.generation), Standing::GivenUp);
    assert!(call.handle.reply(Arc::clone(&reply)).is_none());
    assert_eq!(Arc::strong_count(&reply), 1);
    assert_free(call.cell, call.generation);
}

#[test]
fn a_reply_that_its_caller_does_not_take_is_dropped() {
    let _alone = alone();
    let reply = Arc::new(());
    let mut call = open::<Arc<()>>(Waker::noop().clone());
    assert!(call.handle.reply(Arc::clone(&reply)).is_none());
    drop(call.waiting);
    assert_eq!(Arc::strong_count(&reply), 1);
    assert_free(call.cell, call.generation);
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    let _alone = alone();
    let [first, second] = [(); 2].map(|()| Arc::new(Count::default()));
    let mut call = open::<u64>(Waker::from(Arc::clone(&first)));
    let caller = Waker::from(Arc::clone(&second));
    assert_eq!(call.waiting.poll(&caller), Poll::Pending);
    assert_eq!(Arc::strong_count(&first), 1);
    assert!(call.handle.reply(7).is_none());
    let woken = [first, second].map(|count| count.0.load(Ordering::Relaxed));
    assert_eq!(woken, [0, 1]);
    assert!(call.waiting.poll(&caller).is_ready());
    assert_free(call.cell, call.generation);
}

#[test]
fn time_runs_for_the_use_of_a_cell_that_was_met() {
    let _alone = alone();
    let mut call = open::<u64>(Waker::noop().clone());
    let before = Generation::new(call.generation.number().wrapping_sub(1) & (u64::MAX >> 1));
    assert_eq!(call.cell.start(before, 7), Due::Unmet(call.generation));
    assert!(call.cell.expire(before).is_none());
    assert_eq!(call.cell.start(call.generation, 7), Due::At(7));
    assert_eq!(call.cell.start(call.generation, 9), Due::At(7));
    assert_eq!(call.cell.due(), Due::At(7));
    assert!(call.cell.terms().is_of(1) && !call.cell.terms().is_of(2));
    assert_eq!(call.cell.terms().wait(), Duration::from_secs(5));
    drop(own(&mut call.handle));
}

/// Does what a test tells it to when it is dropped.
struct OnDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

impl Wake for OnDrop {
    fn wake(self: Arc<Self>) {}
}

fn on_drop(work: impl FnOnce() + Send + Sync + 'static) -> OnDrop {
    OnDrop(Some(Box::new(work)))
}

/// A call within foreign code.
fn call_and_reply() {
    let mut call = open::<u64>(Waker::noop().clone());
    assert!(call.handle.reply(7).is_none());
    let outcome = Outcome::Reply(7);
    assert_eq!(call.waiting.poll(Waker::noop()), Poll::Ready(outcome));
}

#[test]
fn what_is_dropped_may_call() {
    let _alone = alone();
    let mut call = open::<OnDrop>(Waker::noop().clone());
    drop(call.waiting);
    assert!(call.handle.reply(on_drop(call_and_reply)).is_none());
    let waker = Waker::from(Arc::new(on_drop(call_and_reply)));
    let mut call = open::<u64>(waker);
    assert!(call.waiting.poll(Waker::noop()).is_pending());
    assert!(call.handle.reply(7).is_none());
    assert!(call.waiting.poll(Waker::noop()).is_ready());
    let mut call = open::<u64>(Waker::from(Arc::new(on_drop(call_and_reply))));
    drop(call.waiting);
    drop(own(&mut call.handle));
    assert_free(call.cell, call.generation);
}

#[test]
fn what_panics_as_it_is_dropped_leaves_the_cell_free() {
    let _alone = alone();
    let panics = || on_drop(|| panic!("a drop of the test's own"));
    let mut call = open::<OnDrop>(Waker::noop().clone());
    drop(call.waiting);
    let replied = catch_unwind(AssertUnwindSafe(|| call.handle.reply(panics())));
    assert!(replied.is_err());
    assert_free(call.cell, call.generation);
    let mut call = open::<u64>(Waker::from(Arc::new(panics())));
    let Call { waiting, .. } = call;
    assert!(catch_unwind(AssertUnwindSafe(|| drop(waiting))).is_err());
    drop(own(&mut call.handle));
    assert_free(call.cell, call.generation);
}

/// Wakes a thread.
struct Unpark(OnceLock<thread::Thread>);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.get().expect("it is set first").unpark();
    }
}

#[test]
fn threads_meet_in_every_way() {
    let _alone = alone();
    let rounds = if cfg!(miri) { 60 } else { 30_000 };
    let reply = Arc::new(());
    let (to_server, calls) = channel::<(Handle<Arc<()>>, Arc<()>)>();
    let (to_sweep, sights) = channel::<(&'static ReplyCell, Generation)>();
    let server = thread::spawn(move || {
        for (mut handle, reply) in calls {
            assert!(handle.reply(reply).is_none());
        }
    });
    let sweep = thread::spawn(move || {
        for (cell, generation) in sights {
            cell.expire(generation).into_iter().for_each(Waker::wake);
        }
    });
    let [one, other] = [(); 2].map(|()| {
        let unpark = Unpark(OnceLock::new());
        assert!(unpark.0.set(thread::current()).is_ok());
        Waker::from(Arc::new(unpark))
    });
    for round in 0..rounds {
        let mut call = open::<Arc<()>>(one.clone());
        if round % 2 == 0 {
            to_sweep.send((call.cell, call.generation)).unwrap();
        }
        to_server.send((call.handle, Arc::clone(&reply))).unwrap();
        let caller = if round % 3 == 0 { &other } else { &one };
        if round % 5 == 0 {
            continue;
        }
        while call.waiting.poll(caller).is_pending() {
            thread::park();
        }
    }
    drop((to_server, to_sweep));
    server.join().unwrap();
    sweep.join().unwrap();
    assert_eq!(Arc::strong_count(&reply), 1);
}
