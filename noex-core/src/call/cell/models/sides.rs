//! Models of one call: its caller, its handle, and whoever finds that its time is over.

use std::sync::Arc;
use std::task::Waker;

use loom::thread::spawn;

use super::call::{Call, bounded, join, node, own, task, wait};
use crate::call::CallError;
use crate::call::cell::Outcome;
use crate::id::Creation;

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
