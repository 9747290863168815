//! Models of the mailbox: loom tries every order in which senders, the receiver and others meet.
//!
//! Nobody is woken for nothing but what was pushed, so a lost wake-up is a receiver or a sender
//! that waits for ever, which loom finds.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use loom::sync::Notify;
use loom::thread::{self, spawn};

use super::{Batch, EXIT, Incoming, Mailbox, Overflow, PushError, SUSPENDED};
use crate::exit::ExitReason;

/// A task that waits until it is woken.
struct Task(Notify);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

fn task() -> (Arc<Task>, Waker) {
    let task = Arc::new(Task(Notify::new()));
    (Arc::clone(&task), Waker::from(task))
}

/// Tells its sender, and which of its messages it is. What is dropped as often as it should be
/// leaves one reference.
type Message = (Arc<()>, usize);

type Shared = Arc<Mailbox<Message>>;

fn mailbox(capacity: usize) -> (Shared, Arc<()>) {
    let capacity = NonZeroUsize::new(capacity).unwrap();
    let mailbox = Mailbox::new(capacity, Overflow::Refuse);
    (Arc::new(mailbox), Arc::new(()))
}

/// The process that reads a mailbox, as far as it concerns the mailbox.
struct Reader {
    mailbox: Shared,
    batch: Batch<Message>,
    task: Arc<Task>,
    waker: Waker,
}

impl Reader {
    fn new(mailbox: &Shared) -> Self {
        let (task, waker) = task();
        mailbox.bind_task(&waker);
        Self {
            mailbox: Arc::clone(mailbox),
            batch: Batch::new(),
            task,
            waker,
        }
    }

    /// As a process's receiver does it. `None`: something other than the queue decides.
    fn next(&mut self) -> Option<Message> {
        loop {
            if self.mailbox.urgent() != 0 {
                return None;
            }
            let mut place = self.batch.pop_front();
            if place.is_some() {
                self.mailbox.note_taken(self.batch.len());
            } else {
                let cx = Context::from_waker(&self.waker);
                let (mailbox, batch) = (&self.mailbox, &mut self.batch);
                if mailbox.is_quiet(&cx) || mailbox.poll_take(&mut place, batch, &cx).is_pending() {
                    self.task.0.wait();
                    continue;
                }
            }
            match place {
                Some(Incoming::Message(message)) => return Some(message),
                other => panic!("only messages were pushed, not {other:?}"),
            }
        }
    }
}

/// Pushes so many messages, one after the other.
fn sender(mailbox: &Shared, mark: &Arc<()>, count: usize) -> thread::JoinHandle<()> {
    let (mailbox, mark) = (Arc::clone(mailbox), Arc::clone(mark));
    spawn(move || {
        for number in 0..count {
            mailbox.push((Arc::clone(&mark), number)).unwrap();
        }
    })
}

/// Waits for room for one message.
fn patient_sender(mailbox: &Shared, mark: &Arc<()>, number: usize) -> thread::JoinHandle<bool> {
    let (mailbox, mark) = (Arc::clone(mailbox), Arc::clone(mark));
    spawn(move || {
        let (task, waker) = task();
        let mut message = (mark, number);
        loop {
            match mailbox.poll_push(message, &Context::from_waker(&waker)) {
                Ok(()) => return true,
                Err(PushError::Closed(_)) => return false,
                Err(PushError::Full(back)) => message = back,
            }
            task.0.wait();
        }
    })
}

#[test]
fn loom_a_push_wakes_a_receiver_that_waits() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(4);
        let mut reader = Reader::new(&mailbox);
        let pushing = sender(&mailbox, &mark, 2);
        for number in 0..2 {
            assert_eq!(reader.next().map(|message| message.1), Some(number));
        }
        pushing.join().unwrap();
        assert!(mailbox.is_empty());
        assert_eq!(mailbox.handled(), 2);
    });
}

#[test]
fn loom_what_is_pushed_as_a_mailbox_closes_is_handed_back_or_left() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(4);
        let (queue, message) = (Arc::clone(&mailbox), (Arc::clone(&mark), 0));
        let pushing = spawn(move || match queue.push(message) {
            Ok(()) => true,
            Err(PushError::Closed(_)) => false,
            Err(PushError::Full(_)) => panic!("there is room"),
        });
        let left = mailbox.close();
        let taken = pushing.join().unwrap();
        assert_eq!(Arc::strong_count(&mark), 1 + usize::from(taken));
        drop(left);
        assert_eq!(Arc::strong_count(&mark), 1, "dropped once");
        assert!(mailbox.is_closed() && mailbox.is_empty());
    });
}

#[test]
fn loom_a_request_to_exit_wakes_a_receiver_that_waits() {
    bounded(3, || {
        let (mailbox, mark) = mailbox(4);
        let mut reader = Reader::new(&mailbox);
        let (queue, pushing) = (Arc::clone(&mailbox), sender(&mailbox, &mark, 1));
        let killing = spawn(move || {
            queue.request_exit(ExitReason::Killed);
            queue.request_exit(ExitReason::Normal);
        });
        // The message comes first, or not at all.
        let first = reader.next();
        assert!(first.is_none() || reader.next().is_none());
        assert_eq!(mailbox.urgent(), EXIT);
        assert_eq!(mailbox.take_exit(), Some(ExitReason::Killed));
        killing.join().unwrap();
        pushing.join().unwrap();
        drop((first, mailbox.close(), reader));
        assert_eq!(Arc::strong_count(&mark), 1);
    });
}

#[test]
fn loom_what_goes_ahead_keeps_no_message_from_a_part_of_the_task() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(4);
        let mut reader = Reader::new(&mailbox);
        // The task polls the part that reads only when that was woken itself.
        let (_task, waker) = task();
        mailbox.bind_task(&waker);
        mailbox.suspend();
        let queue = Arc::clone(&mailbox);
        let pushing = sender(&mailbox, &mark, 1);
        let resuming = spawn(move || assert!(queue.resume()));
        let cx = Context::from_waker(&reader.waker);
        let mut place = None;
        if mailbox
            .poll_take(&mut place, &mut reader.batch, &cx)
            .is_pending()
        {
            // Woken by either, and looks again.
            reader.task.0.wait();
            resuming.join().unwrap();
            assert_eq!(mailbox.urgent() & SUSPENDED, 0);
            assert!(reader.next().is_some());
        } else {
            resuming.join().unwrap();
        }
        pushing.join().unwrap();
        drop((place, reader));
        assert_eq!(Arc::strong_count(&mark), 1);
    });
}

#[test]
fn loom_room_wakes_a_sender_that_waits_for_it() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(1);
        let mut reader = Reader::new(&mailbox);
        mailbox.push((Arc::clone(&mark), 0)).unwrap();
        let waiting = patient_sender(&mailbox, &mark, 1);
        for number in 0..2 {
            assert_eq!(reader.next().map(|message| message.1), Some(number));
        }
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn loom_room_wakes_each_of_two_senders_that_wait_for_it() {
    bounded(2, || {
        let (mailbox, mark) = mailbox(1);
        let mut reader = Reader::new(&mailbox);
        mailbox.push((Arc::clone(&mark), 0)).unwrap();
        let waiting = [1, 2].map(|number| patient_sender(&mailbox, &mark, number));
        let mut sum = 0;
        for _ in 0..3 {
            sum += reader.next().unwrap().1;
        }
        assert_eq!(sum, 3);
        assert!(waiting.map(|waiting| waiting.join().unwrap()) == [true; 2]);
    });
}

#[test]
fn loom_room_within_a_batch_is_told_of_by_its_end() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(2);
        let mut reader = Reader::new(&mailbox);
        for number in 0..2 {
            mailbox.push((Arc::clone(&mark), number)).unwrap();
        }
        assert!(reader.next().is_some());
        let waiting = patient_sender(&mailbox, &mark, 2);
        for number in 1..3 {
            assert_eq!(reader.next().map(|message| message.1), Some(number));
        }
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn loom_room_in_a_batch_that_was_slept_upon_is_told_of_by_its_end() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(1);
        let mut reader = Reader::new(&mailbox);
        mailbox.push((Arc::clone(&mark), 0)).unwrap();
        // As a selective receive does it that finds nothing, and is given up.
        let cx = Context::from_waker(&reader.waker);
        assert!(mailbox.poll_more(&mut reader.batch, &cx).is_ready());
        assert!(mailbox.poll_more(&mut reader.batch, &cx).is_pending());
        let waiting = patient_sender(&mailbox, &mark, 1);
        for number in 0..2 {
            assert_eq!(reader.next().map(|message| message.1), Some(number));
        }
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn loom_a_sender_that_waits_learns_that_the_mailbox_closed() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(1);
        mailbox.push((Arc::clone(&mark), 0)).unwrap();
        let waiting = patient_sender(&mailbox, &mark, 1);
        drop(mailbox.close());
        assert!(!waiting.join().unwrap());
        assert_eq!(Arc::strong_count(&mark), 1);
    });
}

#[test]
fn loom_two_senders_keep_each_its_order() {
    bounded(2, || {
        let (mailbox, mark) = mailbox(8);
        let mut reader = Reader::new(&mailbox);
        let other = Arc::new(());
        let pushing = [sender(&mailbox, &mark, 2), sender(&mailbox, &other, 2)];
        let mut next = [0, 0];
        for _ in 0..4 {
            let (from, number) = reader.next().unwrap();
            let next = &mut next[usize::from(Arc::ptr_eq(&from, &other))];
            assert_eq!(number, *next);
            *next += 1;
        }
        for pushing in pushing {
            pushing.join().unwrap();
        }
        assert_eq!([mark, other].map(|mark| Arc::strong_count(&mark)), [1, 1]);
    });
}

/// A model that is too large to be tried whole: with so many moments at which a thread is stopped
/// though it could go on.
fn bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(model);
}

#[test]
fn loom_what_was_handled_is_counted_right_as_a_batch_is_taken() {
    loom::model(|| {
        let (mailbox, mark) = mailbox(4);
        for number in 0..3 {
            mailbox.push((Arc::clone(&mark), number)).unwrap();
        }
        let watched = Arc::clone(&mailbox);
        let looking = spawn(move || [watched.handled(), watched.handled()]);
        let mut reader = Reader::new(&mailbox);
        for number in 0..3 {
            assert_eq!(reader.next().map(|message| message.1), Some(number));
        }
        let [before, after] = looking.join().unwrap();
        assert!(before <= after && after <= 3, "{before}, {after}");
    });
}
