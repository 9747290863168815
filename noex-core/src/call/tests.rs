//! Tests of the sweep and the pool.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::cell::{Handle, Outcome, Right, Waiting};
use super::{CallError, CallGuard, Deadlines, Parties, ReplyFuture, Wait, pool};
use crate::id::NodeId;
use crate::node::{LocalNode, WeakNode};
use crate::task;

/// A tick, the slack of the timer, and the millisecond to which it rounds.
const LATE_MAX: Duration = Duration::from_millis(12);

const SECOND: Duration = Duration::from_secs(1);

/// All tests of the program share its pool: those that look into it run one at a time.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock()
}

/// Runs a test on a clock that jumps to the next thing that is due.
fn run(test: impl Future<Output = ()>) {
    let _alone = alone();
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

fn swept() -> (Arc<Deadlines>, JoinHandle<()>) {
    let deadlines = Arc::new(Deadlines::new());
    let sweep = Arc::clone(&deadlines);
    (
        deadlines,
        spawn(async move { sweep.run(WeakNode::none()).await }),
    )
}

fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    task::spawn_on(&tokio::runtime::Handle::current(), work)
}

fn node() -> LocalNode {
    LocalNode::start(NodeId::new("sweep", "127.0.0.1", 1).unwrap())
}

/// A call to nobody.
struct Call {
    waiting: Waiting<u64>,
    handle: Handle<u64>,
    guard: CallGuard,
    began: Instant,
}

impl Call {
    fn open(deadlines: &Deadlines, timeout: Duration, caller: &Waker) -> Self {
        let began = Instant::now();
        let (waiting, handle, guard) = deadlines.open(Wait::For(timeout), Parties::none(), caller);
        Self {
            waiting,
            handle,
            guard,
            began,
        }
    }

    /// How long it took to end.
    async fn ends(mut self) -> Duration {
        let outcome = poll_fn(|cx| self.waiting.poll(cx.waker())).await;
        assert_eq!(outcome, Outcome::Expired);
        let took = self.began.elapsed();
        answer(&mut self.handle);
        took
    }

    async fn ends_after(self, timeout: Duration) {
        let took = self.ends().await;
        assert!(took >= timeout, "{took:?} is too early");
        assert!(took <= timeout + LATE_MAX, "{took:?} is too late");
    }
}

fn answer(handle: &mut Handle<u64>) {
    assert!(handle.reply(7).is_none(), "its caller is of this node");
}

fn chunks() -> usize {
    let mut count = 0;
    pool::for_each(|_, _| count += 1);
    count
}

#[test]
fn a_call_ends_when_its_time_is_over_and_at_most_a_tick_later() {
    run(async {
        let (deadlines, _) = swept();
        for offset in 0..12 {
            sleep(Duration::from_millis(offset)).await;
            let call = Call::open(&deadlines, 5 * SECOND, Waker::noop());
            call.ends_after(5 * SECOND).await;
        }
    });
}

#[test]
fn a_call_that_begins_between_two_ticks_has_its_whole_time() {
    run(async {
        let (deadlines, _) = swept();
        let ticking = Call::open(&deadlines, 9 * SECOND, Waker::noop());
        sleep(Duration::from_millis(13)).await;
        let call = Call::open(&deadlines, 5 * SECOND, Waker::noop());
        call.ends_after(5 * SECOND).await;
        ticking.ends_after(9 * SECOND).await;
    });
}

#[test]
fn a_short_wait_ends_exactly() {
    run(async {
        let (deadlines, _) = swept();
        // The sweep sleeps, then it ticks.
        for _ in 0..2 {
            let wait = Duration::from_millis(50);
            let took = Call::open(&deadlines, wait, Waker::noop()).ends().await;
            assert!(took >= wait && took <= wait + Duration::from_millis(2));
        }
    });
}

#[test]
fn a_sweep_that_has_nothing_to_do_waits_to_be_told() {
    run(async {
        let (deadlines, _) = swept();
        sleep(SECOND).await;
        assert!(deadlines.is_idle());
        Call::open(&deadlines, 5 * SECOND, Waker::noop())
            .ends_after(5 * SECOND)
            .await;
        sleep(SECOND).await;
        assert!(deadlines.is_idle());
    });
}

#[test]
fn a_sweep_that_waits_for_a_deadline_hears_of_a_call() {
    run(async {
        let (deadlines, _) = swept();
        let long = Call::open(&deadlines, 60 * SECOND, Waker::noop());
        sleep(9 * SECOND).await;
        let call = Call::open(&deadlines, 5 * SECOND, Waker::noop());
        call.ends_after(5 * SECOND).await;
        let exact = Call::open(&deadlines, SECOND, Waker::noop());
        exact.ends_after(SECOND).await;
        long.ends_after(60 * SECOND).await;
    });
}

#[test]
fn calls_of_two_nodes_end_each_by_its_own_sweep() {
    run(async {
        let (one, _) = swept();
        sleep(3 * SECOND).await;
        let other = Arc::new(Deadlines::new());
        let mut calls = Vec::new();
        for _ in 0..100 {
            calls.push(Call::open(&one, 5 * SECOND, Waker::noop()));
            calls.push(Call::open(&other, 5 * SECOND, Waker::noop()));
        }
        let mut others = Vec::new();
        for (index, call) in calls.into_iter().enumerate() {
            if index % 2 == 0 {
                call.ends_after(5 * SECOND).await;
            } else {
                others.push(call);
            }
        }
        sleep(SECOND).await;
        let not_swept = |call: &mut Call| call.waiting.poll(Waker::noop()).is_pending();
        assert!(others.iter_mut().all(not_swept));
        let began = Instant::now();
        let sweep = Arc::clone(&other);
        drop(spawn(async move { sweep.run(WeakNode::none()).await }));
        for mut call in others {
            call.began = began;
            call.ends_after(5 * SECOND).await;
        }
    });
}

#[test]
fn a_node_that_is_dropped_ends_its_calls() {
    run(async {
        let (mut futures, mut handles) = (Vec::new(), Vec::new());
        let node = node();
        for timeout in [SECOND / 2, 5 * SECOND] {
            let (future, handle, _) = ReplyFuture::<u64>::new(&node, timeout, Waker::noop());
            futures.push(future);
            handles.push(handle);
        }
        drop(node);
        for future in futures {
            assert_eq!(future.await, Err(CallError::Timeout));
        }
    });
}

#[test]
fn the_sweep_of_a_node_ends_with_its_last_call_whatever_others_do() {
    run(async {
        let (deadlines, sweep) = swept();
        let call = Call::open(&deadlines, 5 * SECOND, Waker::noop());
        deadlines.close();
        sleep(SECOND).await;
        assert!(!sweep.is_finished());
        // The chunks are never left alone.
        let (other, _) = swept();
        let busy = spawn(async move {
            loop {
                let mut call = Call::open(&other, 5 * SECOND, Waker::noop());
                answer(&mut call.handle);
                sleep(Duration::from_millis(1)).await;
            }
        });
        call.ends_after(5 * SECOND).await;
        sleep(SECOND).await;
        assert!(sweep.is_finished() && !busy.is_finished());
        busy.abort();
    });
}

#[test]
fn ten_thousand_calls_end() {
    run(async {
        let (deadlines, _) = swept();
        let calls: Vec<Call> = (0..10_000)
            .map(|_| Call::open(&deadlines, 5 * SECOND, Waker::noop()))
            .collect();
        for call in calls {
            call.ends_after(5 * SECOND).await;
        }
    });
}

#[test]
fn a_waker_that_panics_ends_no_other_call_s_deadline() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker of the test's own");
        }
    }

    run(async {
        let (deadlines, sweep) = swept();
        let panics = Waker::from(Arc::new(Panics));
        let call = Call::open(&deadlines, 5 * SECOND, &panics);
        let other = Call::open(&deadlines, 5 * SECOND, Waker::noop());
        other.ends_after(5 * SECOND).await;
        call.ends_after(5 * SECOND).await;
        assert!(!sweep.is_finished());
    });
}

#[test]
fn a_server_tells_the_caller_before_any_sweep() {
    run(async {
        let node = node();
        let mut call = Call::open(node.deadlines(), SECOND, Waker::noop());
        assert!(call.guard.unwanted(&node).is_none());
        tokio::time::advance(SECOND).await;
        assert!(call.guard.unwanted(&node).is_some());
        assert_eq!(
            call.waiting.poll(Waker::noop()),
            Poll::Ready(Outcome::Expired)
        );
        assert_eq!(call.guard.deadline(&node), None);
        answer(&mut call.handle);
    });
}

#[test]
fn a_guard_knows_the_deadline_of_its_call_alone() {
    run(async {
        let node = node();
        let mut call = Call::open(node.deadlines(), 5 * SECOND, Waker::noop());
        let end = call.began + 5 * SECOND;
        assert_eq!(call.guard.deadline(&node), Some(end));
        sleep(3 * SECOND).await;
        let met = call.guard.deadline(&node).unwrap();
        assert!(met >= end && met <= end + LATE_MAX);
        answer(&mut call.handle);
        assert!(call.waiting.poll(Waker::noop()).is_ready());
        // The cell is the next call's.
        let mut next = Call::open(node.deadlines(), 5 * SECOND, Waker::noop());
        assert_eq!(call.guard.deadline(&node), None);
        assert!(call.guard.unwanted(&node).is_some() && next.guard.unwanted(&node).is_none());
        answer(&mut next.handle);
    });
}

#[test]
fn a_handle_is_taken_once() {
    run(async {
        let deadlines = Deadlines::new();
        let (mut waiting, handle, _) =
            deadlines.open::<u64>(Wait::For(SECOND), Parties::none(), Waker::noop());
        let taken = handle.take();
        assert!(handle.take().is_none());
        let Some(Right::Own(duty)) = taken else {
            panic!("its caller is of this node");
        };
        drop(duty);
        let dropped = Outcome::Failed(CallError::ReplyDropped);
        assert_eq!(waiting.poll(Waker::noop()), Poll::Ready(dropped));
    });
}

#[test]
fn a_million_calls_one_after_the_other_need_no_new_cells() {
    let rounds = if cfg!(miri) { 1_000 } else { 1_000_000 };
    run(async {
        let deadlines = Deadlines::new();
        let mut before = 0;
        for round in 0..rounds {
            let mut call = Call::open(&deadlines, 5 * SECOND, Waker::noop());
            answer(&mut call.handle);
            let reply = Poll::Ready(Outcome::Reply(7));
            assert_eq!(call.waiting.poll(Waker::noop()), reply);
            if round == 0 {
                before = chunks();
            }
        }
        assert_eq!(chunks(), before);
    });
}

#[test]
fn a_thread_that_ends_leaves_its_cells_behind() {
    let _alone = alone();
    let deadlines = Deadlines::new();
    let on_thread = |work: Box<dyn FnOnce() + Send>| thread::spawn(work).join().unwrap();
    let mut before = 0;
    for round in 0..200 {
        // One is the thread's by giving it back, others by taking them.
        let call = Call::open(&deadlines, SECOND, Waker::noop());
        drop(call.waiting);
        let mut handle = call.handle;
        on_thread(Box::new(move || answer(&mut handle)));
        let pair = [(); 2].map(|()| Call::open(&deadlines, SECOND, Waker::noop()));
        on_thread(Box::new(move || {
            for mut call in pair {
                answer(&mut call.handle);
                assert!(call.waiting.poll(Waker::noop()).is_ready());
            }
        }));
        if round == 0 {
            before = chunks();
        }
    }
    assert!(chunks() <= before + 1, "cells went with their threads");
}
