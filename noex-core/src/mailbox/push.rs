//! The senders' side of a mailbox.

use std::task::Context;

use bytes::Bytes;

use super::queue::{State, narrow};
use super::{Incoming, Info, Mailbox, Overflow, PushError};
use crate::call::Inbound;
use crate::id::Creation;
use crate::process::discard;
use crate::sync::{MutexGuard, Ordering};

impl<M> Mailbox<M> {
    /// Queues a typed message. What happens to one that finds no room is the [`Overflow`]'s to say.
    ///
    /// # Errors
    /// [`PushError`] hands the message back.
    pub fn push(&self, message: M) -> Result<(), PushError<M>> {
        self.push_made(|| message)
    }

    /// As [`push`](Self::push), of the message that `make` makes: it does nothing else, as it runs
    /// under the mailbox's lock. The message is made in its place, and not moved there.
    ///
    /// # Errors
    /// [`PushError`] hands the message back.
    #[inline]
    pub fn push_made(&self, make: impl FnOnce() -> M) -> Result<(), PushError<M>> {
        let state = self.state.lock();
        if state.closed {
            return Err(PushError::Closed(make()));
        }
        if self.has_room(&state) {
            self.enqueue(state, || Incoming::Message(make()));
            return Ok(());
        }
        match state.overflow {
            Overflow::Refuse => return Err(PushError::Full(make())),
            Overflow::DropNewest => self.drop_one(state, Some(Incoming::Message(make()))),
            Overflow::DropOldest => self.push_over(state, Incoming::Message(make())),
        }
        Ok(())
    }

    /// As [`push`](Self::push), but a full mailbox that refuses wakes `cx` when it has room again.
    ///
    /// # Errors
    /// [`PushError`] hands the message back.
    pub fn poll_push(&self, message: M, cx: &Context<'_>) -> Result<(), PushError<M>> {
        match self.push(message) {
            Err(PushError::Full(message)) => {
                let mut state = self.state.lock();
                if self.has_room(&state) || state.closed {
                    drop(state);
                    return self.poll_push(message, cx);
                }
                state.urgent().wait_for_room(cx.waker());
                self.room_wanted.store(true, Ordering::Relaxed);
                Err(PushError::Full(message))
            }
            outcome => outcome,
        }
    }

    /// Queues a message from another node, within the bounds of count and bytes.
    pub(crate) fn push_encoded(
        &self,
        message: Box<Inbound>,
    ) -> Result<(), PushError<Box<Inbound>>> {
        let size = message.size().try_into().unwrap_or(u32::MAX);
        let mut state = self.state.lock();
        if state.closed {
            return Err(PushError::Closed(message));
        }
        if !self.has_room_for(&state, size) {
            return Err(PushError::Full(message));
        }
        state.encoded_bytes = state.encoded_bytes.saturating_add(size);
        self.enqueue(state, || Incoming::Encoded(message));
        Ok(())
    }

    /// Queues news that was flooded, within the same bounds. Tells whether it was taken.
    pub(crate) fn push_flood(&self, from: Creation, payload: Bytes) -> bool {
        let size = payload.len().try_into().unwrap_or(u32::MAX);
        let mut state = self.state.lock();
        if state.closed || !self.has_room_for(&state, size) {
            return false;
        }
        state.encoded_bytes = state.encoded_bytes.saturating_add(size);
        let info = Box::new(Info::Flood { from, payload });
        self.enqueue(state, || Incoming::Info(info));
        true
    }

    /// Queues what is exempt from the bound. Tells whether the process still lives.
    pub(crate) fn push_info(&self, info: Info) -> bool {
        let state = self.state.lock();
        let living = !state.closed;
        if living {
            self.enqueue(state, || Incoming::Info(Box::new(info)));
        }
        living
    }

    /// Wakes behind the lock, so that a receiver that runs at once does not meet it.
    #[inline]
    pub(super) fn enqueue(
        &self,
        mut state: MutexGuard<'_, State<M>>,
        make: impl FnOnce() -> Incoming<M>,
    ) {
        if state.first.is_none() {
            state.first.get_or_insert_with(make);
        } else {
            state.rest.push_made(make);
        }
        let waiting = narrow(self.waiting(&state));
        if waiting > self.high_water.load(Ordering::Relaxed) {
            self.high_water.store(waiting, Ordering::Relaxed);
        }
        if self.asleep.load(Ordering::Relaxed) {
            self.wake(state);
        }
    }

    /// Wakes the process, behind the lock.
    #[inline]
    pub(super) fn wake(&self, mut state: MutexGuard<'_, State<M>>) {
        self.asleep.store(false, Ordering::Relaxed);
        // Both: the task may poll only those of its parts that were woken.
        let urgent = state.urgent.as_mut();
        let receiver = urgent.and_then(|urgent| urgent.receiver.take());
        drop(state);
        if let Some(task) = self.task.get() {
            task.wake_by_ref();
        }
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// Queues a message in the place of the oldest one that is still in the queue.
    #[cold]
    fn push_over(&self, mut state: MutexGuard<'_, State<M>>, incoming: Incoming<M>) {
        let is_message = |waiting: &Incoming<M>| matches!(waiting, Incoming::Message(_));
        let oldest = if state.first.as_ref().is_some_and(is_message) {
            let next = state.rest.pop_front();
            std::mem::replace(&mut state.first, next)
        } else {
            let oldest = state.rest.iter().position(is_message);
            oldest.and_then(|oldest| state.rest.remove(oldest))
        };
        if oldest.is_some() {
            if state.first.is_none() {
                state.first = Some(incoming);
            } else {
                state.rest.push_back(incoming);
            }
            self.drop_one(state, oldest);
        } else {
            // All that could make room is in the receiver's hands.
            self.drop_one(state, Some(incoming));
        }
    }

    /// Counts a message that is dropped. Behind the lock: its caller may be told by that.
    #[cold]
    fn drop_one(&self, mut state: MutexGuard<'_, State<M>>, dropped: Option<Incoming<M>>) {
        state.urgent().rare().dropped += 1;
        drop(state);
        discard(dropped);
    }
}
