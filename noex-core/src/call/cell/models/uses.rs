//! Models of a cell that is used again while others still look at its former use.

use std::sync::Arc;
use std::task::Waker;

use loom::thread::spawn;

use super::call::{Call, OTHER, OWNER, Reply, join, terms, wait};
use crate::call::cell::{Due, Generation, Handle, Outcome, Standing, Waiting};
use crate::call::pool;

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
