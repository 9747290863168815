//! The receiver's side of a mailbox.

use std::task::{Context, Poll, Waker};

use super::queue::{State, narrow};
use super::{Batch, Incoming, Mailbox, Overflow};
use crate::sync::{MutexGuard, Ordering};

/// How often the receiver of a large mailbox says how far it is, in messages.
const NOTED: usize = 64;

/// A queue that has grown beyond this many messages gives its memory back when it is empty.
const KEPT_MAX: usize = 256;

impl<M> Mailbox<M> {
    /// Takes the first thing into `place`, and all that is behind it into `batch`; both are empty.
    #[inline(always)]
    pub(crate) fn poll_take(
        &self,
        place: &mut Option<Incoming<M>>,
        batch: &mut Batch<M>,
        cx: &Context<'_>,
    ) -> Poll<()> {
        let mut state = self.state.lock();
        if state.first.is_none() {
            self.sleep(state, batch, cx);
            return Poll::Pending;
        }
        // Not assigned: what was there would have to be dropped.
        std::mem::swap(place, &mut state.first);
        if matches!(state.overflow, Overflow::DropOldest) {
            // What waits must stay where a newer message can take its place.
            state.first = state.rest.pop_front();
        } else {
            std::mem::swap(&mut state.rest, batch);
        }
        state.received += 1 + batch.len() as u64;
        state.encoded_bytes = 0;
        self.taken.store(narrow(batch.len()), Ordering::Relaxed);
        if state.is_room_wanted() {
            // A wish for room that `note_taken` missed is seen here, under the lock.
            let room = (self.capacity as usize).saturating_sub(batch.len());
            self.wake_any_senders(state, room);
        } else if batch.is_empty() && state.first.is_none() {
            // Most often this is all for now: then it can wait without another look under the
            // lock, unless that is to give memory back.
            let kept = !batch.is_above(KEPT_MAX) && !state.rest.is_above(KEPT_MAX);
            self.asleep.store(kept, Ordering::Relaxed);
        }
        Poll::Ready(())
    }

    /// Whether nothing has come since the receiver took all that was there, so that it can wait;
    /// `false` also if that is not known. What comes behind this wakes the task, which `cx` must
    /// be of.
    #[inline]
    pub(crate) fn is_quiet(&self, cx: &Context<'_>) -> bool {
        let quiet = self.asleep.load(Ordering::Relaxed) && self.is_task(cx);
        if quiet {
            self.last_kind().rest();
        }
        quiet
    }

    #[inline]
    fn is_task(&self, cx: &Context<'_>) -> bool {
        let task = self.task.get();
        task.is_some_and(|task| task.will_wake(cx.waker()))
    }

    /// Adds all that is there to `batch`. `Pending`: there was nothing.
    pub(crate) fn poll_more(&self, batch: &mut Batch<M>, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let Some(first) = state.first.take() else {
            self.sleep(state, batch, cx);
            return Poll::Pending;
        };
        state.received += 1 + state.rest.len() as u64;
        batch.push_back(first);
        batch.append(&mut state.rest);
        // The bytes stay until they are handled: what is passed over still takes up room.
        self.taken.store(narrow(batch.len()), Ordering::Relaxed);
        Poll::Ready(())
    }

    fn sleep(&self, mut state: MutexGuard<'_, State<M>>, batch: &mut Batch<M>, cx: &Context<'_>) {
        self.asleep.store(true, Ordering::Relaxed);
        self.last_kind().rest();
        if !self.is_task(cx) {
            // The process polls its receiver by a waker of its own making.
            state.urgent().receiver = Some(cx.waker().clone());
        }
        self.taken.store(narrow(batch.len()), Ordering::Relaxed);
        state.rest.shrink_above(KEPT_MAX);
        batch.shrink_above(KEPT_MAX);
        // All: some that wait may be gone, and would use up others' wake-ups.
        self.wake_senders(state, usize::MAX);
    }

    /// One more thing is being handled; the receiver has `left` of its batch still before it.
    #[inline]
    pub(crate) fn note_taken(&self, left: usize) {
        let wanted = self.room_wanted.load(Ordering::Relaxed);
        // Each note costs the senders a cache miss.
        if left.is_multiple_of(NOTED) || wanted || (self.capacity as usize) < NOTED * NOTED {
            self.taken.store(narrow(left), Ordering::Relaxed);
        }
        if left == 0 && self.asleep.load(Ordering::Relaxed) {
            // It slept with a part of its batch in hand. That is gone now: senders may wait for the
            // room, and memory be given back, so it is to look under the lock before it waits.
            self.asleep.store(false, Ordering::Relaxed);
        }
        if wanted {
            self.wake_senders(self.state.lock(), 1);
        }
    }

    /// Wakes the first `room` of the senders that wait.
    #[inline]
    fn wake_senders(&self, state: MutexGuard<'_, State<M>>, room: usize) {
        if state.is_room_wanted() {
            self.wake_any_senders(state, room);
        }
    }

    #[cold]
    fn wake_any_senders(&self, mut state: MutexGuard<'_, State<M>>, room: usize) {
        let senders = state.urgent().take_senders(room);
        let wanted = state.is_room_wanted();
        self.room_wanted.store(wanted, Ordering::Relaxed);
        drop(state);
        senders.into_iter().for_each(Waker::wake);
    }

    /// The receiver took this out of its batch, and left what is around it there.
    pub(crate) fn release(&self, taken: &Incoming<M>) {
        if let Incoming::Encoded(inbound) = taken {
            let mut state = self.state.lock();
            let size = inbound.size().try_into().unwrap_or(u32::MAX);
            state.encoded_bytes = state.encoded_bytes.saturating_sub(size);
        }
    }

    /// Closes the mailbox and hands out what was left in it.
    pub(crate) fn close(&self) -> impl Sized + use<M> {
        let mut state = self.state.lock();
        state.closed = true;
        let rest = std::mem::replace(&mut state.rest, Batch::new());
        let left = (state.first.take(), rest);
        let urgent = state.urgent.as_mut().map(|urgent| urgent.close());
        self.taken.store(0, Ordering::Relaxed);
        drop(state);
        drop(urgent);
        left
    }

    /// Gives back the memory that the queue does not need now.
    pub(crate) fn shrink(&self) {
        self.state.lock().rest.shrink();
    }
}

#[cfg(all(test, not(noex_loom)))]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    /// Takes all that is there, as a process does, until it waits.
    fn drain(mailbox: &Mailbox<usize>, batch: &mut Batch<usize>) -> usize {
        let cx = Context::from_waker(Waker::noop());
        let mut count = 0;
        loop {
            let mut place = batch.pop_front();
            if place.is_some() {
                mailbox.note_taken(batch.len());
            } else if mailbox.is_quiet(&cx)
                || mailbox.poll_take(&mut place, batch, &cx).is_pending()
            {
                return count;
            }
            count += 1;
        }
    }

    #[test]
    fn the_memory_of_a_burst_is_given_back_once_it_is_handled() {
        let mailbox = Mailbox::new(NonZeroUsize::MAX, Overflow::Refuse);
        mailbox.bind_task(Waker::noop());
        let mut batch = Batch::new();
        let is_above = |batch: &Batch<usize>| {
            let kept = mailbox.state.lock().rest.is_above(KEPT_MAX);
            kept || batch.is_above(KEPT_MAX)
        };
        for burst in [KEPT_MAX * 4, 1, KEPT_MAX * 4] {
            for number in 0..burst {
                mailbox.push(number).unwrap();
            }
            assert_eq!(is_above(&batch), burst > 1);
            assert_eq!(drain(&mailbox, &mut batch), burst);
            assert!(!is_above(&batch));
        }
        // What a selective receive passed over is handled later, by one that takes all.
        for number in 0..KEPT_MAX * 4 {
            mailbox.push(number).unwrap();
        }
        let cx = Context::from_waker(Waker::noop());
        assert!(mailbox.poll_more(&mut batch, &cx).is_ready());
        assert!(mailbox.poll_more(&mut batch, &cx).is_pending());
        assert_eq!(drain(&mailbox, &mut batch), KEPT_MAX * 4);
        assert!(!is_above(&batch));
    }

    #[test]
    fn a_process_that_hibernates_keeps_no_queue() {
        let mailbox = Mailbox::new(NonZeroUsize::MAX, Overflow::Refuse);
        mailbox.bind_task(Waker::noop());
        let mut batch = Batch::new();
        for number in 0..KEPT_MAX {
            mailbox.push(number).unwrap();
        }
        drain(&mailbox, &mut batch);
        let is_above = |batch: &Batch<usize>| {
            let kept = mailbox.state.lock().rest.is_above(0);
            kept || batch.is_above(0)
        };
        assert!(is_above(&batch), "a few are kept");
        batch.shrink();
        mailbox.shrink();
        assert!(!is_above(&batch));
    }
}
