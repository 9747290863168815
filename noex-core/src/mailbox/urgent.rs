//! What goes ahead of a mailbox's queue, and the rest of what few mailboxes have.

use std::collections::VecDeque;
use std::task::Waker;

use super::{Incoming, Info, Mailbox};
use crate::call::{ReplyTo, SkippedCalls, Unwanted};
use crate::exit::ExitReason;
use crate::id::Pid;
use crate::sync::{AtomicU8, Ordering};

/// The process is to end.
pub(crate) const EXIT: u8 = 1;

/// The process is to handle no message until it is resumed.
pub(crate) const SUSPENDED: u8 = 2;

/// Somebody wants to see the process's state.
pub(crate) const DESCRIBE: u8 = 4;

/// The task of the process has not run yet.
pub(crate) const UNBOUND: u8 = 16;

/// Wakes them when it is dropped.
struct Wakers(Vec<Waker>);

impl Drop for Wakers {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}

/// Each message that the process takes is to be seen.
const TRACED: u8 = 8;

/// What goes ahead of the queue, and who waits for the end.
#[derive(Debug, Default)]
pub(super) struct Urgent {
    /// An untrapped exit; when the process has ended, why.
    exit: Option<ExitReason>,
    /// The waker by which the receiver waits, where it is not that of the task.
    pub(super) receiver: Option<Waker>,
    observers: Observers,
    /// Apart, so that what most stops need is small.
    rare: Option<Box<Rare>>,
}

/// Who waits for the end of a process: mostly one.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    first: Option<ReplyTo<ExitReason>>,
    others: Vec<ReplyTo<ExitReason>>,
}

/// What few mailboxes have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Who wants to see the state.
    describe: VecDeque<ReplyTo<Option<String>>>,
    /// Senders that wait for room.
    senders: VecDeque<Waker>,
    /// How many messages were dropped for want of room.
    pub(super) dropped: u64,
    /// How many calls were not handled.
    skipped: SkippedCalls,
    /// The process of another node that this one was started for.
    remote_parent: Option<Pid>,
}

impl Observers {
    fn add(&mut self, observer: ReplyTo<ExitReason>) {
        if self.first.as_ref().is_none_or(|first| !first.is_wanted()) {
            self.first = Some(observer);
            return;
        }
        if self.others.len() == self.others.capacity() {
            // Those who gave up must not add up over a long life.
            self.others.retain(ReplyTo::is_wanted);
        }
        self.others.push(observer);
    }

    /// The process has ended so.
    pub(crate) fn tell(self, reason: &ExitReason) {
        for observer in self.first.into_iter().chain(self.others) {
            observer.send(reason.clone());
        }
    }
}

impl Rare {
    fn take_senders(&mut self, room: usize) -> Vec<Waker> {
        let count = room.min(self.senders.len());
        self.senders.drain(..count).collect()
    }
}

impl Urgent {
    pub(super) fn rare_made(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn wait_for_room(&mut self, sender: &Waker) {
        let senders = &mut self.rare().senders;
        if !senders.iter().any(|waker| waker.will_wake(sender)) {
            senders.push_back(sender.clone());
        }
    }

    /// What is still asked of it when its process has ended so, if that is anything.
    fn remains(&self, reason: &ExitReason) -> Option<Box<Self>> {
        let exit = (*reason != ExitReason::Normal).then(|| reason.clone());
        let counted = |rare: &&Rare| rare.dropped > 0 || rare.skipped != SkippedCalls::default();
        let rare = self.rare.as_deref().filter(counted).map(|rare| {
            Box::new(Rare {
                dropped: rare.dropped,
                skipped: rare.skipped,
                ..Rare::default()
            })
        });
        (exit.is_some() || rare.is_some()).then(|| {
            Box::new(Self {
                exit,
                rare,
                ..Self::default()
            })
        })
    }

    pub(super) fn is_room_wanted(&self) -> bool {
        self.rare
            .as_ref()
            .is_some_and(|rare| !rare.senders.is_empty())
    }

    /// The mailbox closes: senders that wait are woken, and what is dropped is dropped behind the
    /// lock.
    pub(super) fn close(&mut self) -> impl Sized + use<> {
        let rare = self.rare.as_mut().map(|rare| {
            let describe = std::mem::take(&mut rare.describe);
            (Wakers(rare.take_senders(usize::MAX)), describe)
        });
        (rare, self.receiver.take())
    }

    /// The first `room` of the senders that wait.
    pub(super) fn take_senders(&mut self, room: usize) -> Vec<Waker> {
        self.rare().take_senders(room)
    }
}

impl<M> Mailbox<M> {
    /// Answers `observer` when the process has ended. If it has, gives it back with the reason.
    pub(crate) fn observe_end(
        &self,
        observer: ReplyTo<ExitReason>,
    ) -> Result<(), (ReplyTo<ExitReason>, ExitReason)> {
        let mut state = self.state.lock();
        if state.ended {
            let reason = state.urgent.as_ref().and_then(|left| left.exit.clone());
            return Err((observer, reason.unwrap_or(ExitReason::Normal)));
        }
        state.urgent().observers.add(observer);
        Ok(())
    }

    /// Asks the process to end in order, behind what it was sent before, and answers `observer`
    /// when it has. If it has ended before, gives it back.
    pub(crate) fn stop(
        &self,
        reason: ExitReason,
        observer: ReplyTo<ExitReason>,
    ) -> Result<(), ReplyTo<ExitReason>> {
        let mut state = self.state.lock();
        if state.ended {
            return Err(observer);
        }
        state.urgent().observers.add(observer);
        if !state.closed {
            self.enqueue(state, || Incoming::Info(Box::new(Info::Stop(reason))));
        }
        Ok(())
    }

    /// The process has ended with this reason, and nobody finds it any more: who is to be told.
    pub(crate) fn end(&self, reason: &ExitReason) -> Observers {
        let mut state = self.state.lock();
        state.ended = true;
        let urgent = state.urgent.take();
        state.urgent = match &urgent {
            Some(urgent) => urgent.remains(reason),
            None if *reason == ExitReason::Normal => None,
            None => Urgent::default().remains(reason),
        };
        drop(state);
        urgent.map(|urgent| urgent.observers).unwrap_or_default()
    }

    pub(crate) fn take_exit(&self) -> Option<ExitReason> {
        if self.urgent() & EXIT == 0 {
            return None;
        }
        self.look_ahead(|urgent, _| urgent.exit.take())
    }

    /// The process was started with a link to this one, of another node.
    pub(crate) fn set_remote_parent(&self, parent: Pid) {
        self.state.lock().urgent().rare().remote_parent = Some(parent);
    }

    pub(crate) fn remote_parent(&self) -> Option<Pid> {
        self.look_aside(|rare| rare.remote_parent)
    }

    /// Asks for the process's state. Whether the process lives.
    pub(crate) fn describe(&self, reply: ReplyTo<Option<String>>) -> bool {
        self.put_ahead(DESCRIBE, |urgent| urgent.rare().describe.push_back(reply))
    }

    /// The process handles no message until it is resumed. Whether it lives.
    pub(crate) fn suspend(&self) -> bool {
        self.flag_ahead(SUSPENDED, 0)
    }

    /// The process handles messages again. Whether it lives.
    pub(crate) fn resume(&self) -> bool {
        self.flag_ahead(0, SUSPENDED)
    }

    /// Each message that the process takes is to be seen, or not any more. Whether it lives.
    pub(crate) fn trace(&self, on: bool) -> bool {
        if on {
            self.flag_ahead(TRACED, 0)
        } else {
            self.flag_ahead(0, TRACED)
        }
    }

    pub(crate) fn is_exiting(&self) -> bool {
        self.urgent() & EXIT != 0
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.urgent() & SUSPENDED != 0
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.urgent() & TRACED != 0
    }

    /// The process took a call that it does not handle.
    pub(crate) fn count_skipped(&self, why: Unwanted) {
        self.look_ahead(|urgent, _| urgent.rare().skipped.count(why));
    }

    pub(crate) fn skipped_calls(&self) -> SkippedCalls {
        self.look_aside(|rare| rare.skipped)
    }

    /// What the handler is to do ahead of its queue.
    pub(crate) fn take_description(&self) -> Option<Incoming<M>> {
        let wanted = self.look_ahead(|urgent, flags| {
            let describe = &mut urgent.rare().describe;
            let wanted = describe.pop_front();
            if describe.is_empty() {
                flags.fetch_and(!DESCRIBE, Ordering::AcqRel);
            }
            wanted
        })?;
        Some(Incoming::Info(Box::new(Info::Describe(wanted))))
    }

    /// Asks the process to end at once, ahead of its queue. The first request counts.
    pub(crate) fn request_exit(&self, reason: ExitReason) {
        self.put_ahead(EXIT, |urgent| {
            urgent.exit.get_or_insert(reason);
        });
    }

    /// Changes what goes ahead of the queue, and wakes the process for it. Whether it lives.
    fn put_ahead(&self, flag: u8, change: impl FnOnce(&mut Urgent)) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        change(state.urgent());
        self.urgent.fetch_or(flag, Ordering::Release);
        self.wake(state);
        true
    }

    /// Sets and clears flags of what goes ahead of the queue, as above.
    fn flag_ahead(&self, set: u8, clear: u8) -> bool {
        let state = self.state.lock();
        if state.closed {
            return false;
        }
        self.urgent.fetch_or(set, Ordering::Release);
        self.urgent.fetch_and(!clear, Ordering::AcqRel);
        self.wake(state);
        true
    }

    /// Remembers whom to wake for what goes ahead of the queue.
    pub(crate) fn bind_task(&self, waker: &Waker) {
        // Under the lock: who puts something ahead before that is seen by the task that looks for
        // it behind this, who does later finds whom to wake.
        let _state = self.state.lock();
        self.task.get_or_init(|| waker.clone());
        self.urgent.fetch_and(!UNBOUND, Ordering::AcqRel);
    }

    /// What goes ahead of the queue, as flags.
    pub(crate) fn urgent(&self) -> u8 {
        self.urgent.load(Ordering::Acquire)
    }

    /// Looks at what goes ahead of the queue.
    fn look_ahead<R>(&self, look: impl FnOnce(&mut Urgent, &AtomicU8) -> R) -> R {
        look(self.state.lock().urgent(), &self.urgent)
    }
}
