//! `Mailbox`: one lock around the queue, the exit request and the wakers of a process.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use super::{Incoming, Info};
use crate::call::Inbound;
use crate::exit::ExitReason;
use crate::id::Creation;

/// How many messages a mailbox holds unless its process says otherwise.
pub const CAPACITY_DEFAULT: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

/// How many bytes of messages from other nodes a mailbox holds.
const ENCODED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The queue of one process. Senders push, the one receiver takes all that is there at once.
///
/// Two lanes: what a handler sees keeps its order in the queue; an exit request acts without the
/// handler, ahead of the queue. Messages and floods are bounded by the capacity; any other [`Info`]
/// is not, because whoever caused it was admitted before.
///
/// # Examples
/// ```
/// use noex_core::mailbox::{Mailbox, PushError};
///
/// let mailbox = Mailbox::new(std::num::NonZeroUsize::MIN);
/// mailbox.push("first").unwrap();
/// assert!(matches!(mailbox.push("second"), Err(PushError::Full("second"))));
/// assert_eq!(mailbox.len(), 1);
/// ```
pub struct Mailbox<M> {
    capacity: usize,
    state: Mutex<State<M>>,
    /// How much of what the receiver took is not handled yet; written by the receiver alone.
    taken: AtomicUsize,
    exit_requested: AtomicBool,
    room_wanted: AtomicBool,
}

struct State<M> {
    queue: VecDeque<Incoming<M>>,
    encoded_bytes: usize,
    /// An untrapped exit.
    exit: Option<ExitReason>,
    /// Set while the receiver waits for something to come.
    receiver: Option<Waker>,
    /// The task itself, for exits that come while a handler waits for something else.
    task: Option<Waker>,
    /// Senders that wait for room.
    senders: VecDeque<Waker>,
    closed: bool,
}

/// Why a message was not taken; it is handed back.
#[expect(clippy::exhaustive_enums, reason = "a mailbox has no other answer")]
pub enum PushError<M> {
    /// The mailbox is full.
    Full(M),
    /// The process has ended.
    Closed(M),
}

impl<M> fmt::Debug for PushError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full",
            Self::Closed(_) => "Closed",
        })
    }
}

impl<M> Mailbox<M> {
    /// An empty mailbox for at most `capacity` messages.
    #[must_use]
    pub const fn new(capacity: NonZeroUsize) -> Self {
        let state = State {
            queue: VecDeque::new(),
            encoded_bytes: 0,
            exit: None,
            receiver: None,
            task: None,
            senders: VecDeque::new(),
            closed: false,
        };
        Self {
            capacity: capacity.get(),
            state: Mutex::new(state),
            taken: AtomicUsize::new(0),
            exit_requested: AtomicBool::new(false),
            room_wanted: AtomicBool::new(false),
        }
    }

    /// Queues a typed message.
    ///
    /// # Errors
    /// [`PushError`] hands the message back.
    pub fn push(&self, message: M) -> Result<(), PushError<M>> {
        let state = self.state.lock();
        if state.closed {
            return Err(PushError::Closed(message));
        }
        if self.is_full(&state) {
            return Err(PushError::Full(message));
        }
        push_and_wake(state, Incoming::Message(message));
        Ok(())
    }

    /// As [`push`](Self::push), but a full mailbox wakes `cx` when it has room again.
    ///
    /// # Errors
    /// [`PushError`] hands the message back.
    pub fn poll_push(&self, message: M, cx: &Context<'_>) -> Result<(), PushError<M>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(PushError::Closed(message));
        }
        if self.is_full(&state) {
            if !state
                .senders
                .iter()
                .any(|waker| waker.will_wake(cx.waker()))
            {
                state.senders.push_back(cx.waker().clone());
            }
            self.room_wanted.store(true, Ordering::Relaxed);
            return Err(PushError::Full(message));
        }
        push_and_wake(state, Incoming::Message(message));
        Ok(())
    }

    /// Queues a message from another node, within the bounds of count and bytes.
    pub(crate) fn push_encoded(
        &self,
        message: Box<Inbound>,
    ) -> Result<(), PushError<Box<Inbound>>> {
        let size = message.size();
        let mut state = self.state.lock();
        if state.closed {
            return Err(PushError::Closed(message));
        }
        if !self.has_room(&state, size) {
            return Err(PushError::Full(message));
        }
        state.encoded_bytes += size;
        push_and_wake(state, Incoming::Encoded(message));
        Ok(())
    }

    /// Queues news that was flooded, within the same bounds. Tells whether it was taken.
    pub(crate) fn push_flood(&self, from: Creation, payload: Bytes) -> bool {
        let size = payload.len();
        let mut state = self.state.lock();
        if state.closed || !self.has_room(&state, size) {
            return false;
        }
        state.encoded_bytes += size;
        let info = Box::new(Info::Flood { from, payload });
        push_and_wake(state, Incoming::Info(info));
        true
    }

    /// Queues what is exempt from the bound. Tells whether the process still lives.
    pub(crate) fn push_info(&self, info: Info) -> bool {
        let state = self.state.lock();
        let living = !state.closed;
        if living {
            push_and_wake(state, Incoming::Info(Box::new(info)));
        }
        living
    }

    /// Asks the process to end at once, ahead of its queue. The first request counts.
    pub(crate) fn request_exit(&self, reason: ExitReason) {
        let mut state = self.state.lock();
        if state.closed || state.exit.is_some() {
            return;
        }
        state.exit = Some(reason);
        self.exit_requested.store(true, Ordering::Release);
        state.receiver = None;
        if let Some(task) = &state.task {
            task.wake_by_ref();
        }
    }

    /// Remembers whom to wake for an exit request.
    pub(crate) fn bind_task(&self, waker: &Waker) {
        self.state.lock().task = Some(waker.clone());
    }

    pub(crate) fn is_exit_requested(&self) -> bool {
        self.exit_requested.load(Ordering::Acquire)
    }

    pub(crate) fn take_exit(&self) -> Option<ExitReason> {
        if self.is_exit_requested() {
            self.state.lock().exit.take()
        } else {
            None
        }
    }

    /// Swaps all that is there into `batch`, which is empty.
    pub(crate) fn poll_take(
        &self,
        batch: &mut VecDeque<Incoming<M>>,
        cx: &Context<'_>,
    ) -> Poll<()> {
        let mut state = self.state.lock();
        let empty = state.queue.is_empty();
        if empty {
            state.receiver = Some(cx.waker().clone());
        }
        std::mem::swap(&mut state.queue, batch);
        state.encoded_bytes = 0;
        self.taken.store(batch.len(), Ordering::Relaxed);
        // A wish for room that `note_taken` missed is seen here, under the lock. A receiver that
        // goes to sleep wakes all: some that wait may be gone, and would use up others' wake-ups.
        let room = if empty {
            usize::MAX
        } else {
            self.capacity.saturating_sub(batch.len())
        };
        self.wake_senders(state, room);
        if empty {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// The receiver has `left` things of its batch still before it.
    pub(crate) fn note_taken(&self, left: usize) {
        self.taken.store(left, Ordering::Relaxed);
        if self.room_wanted.load(Ordering::Relaxed) {
            self.wake_senders(self.state.lock(), 1);
        }
    }

    /// Wakes the first `room` of the senders that wait.
    fn wake_senders(&self, mut state: MutexGuard<'_, State<M>>, room: usize) {
        let count = room.min(state.senders.len());
        if count == 0 {
            return;
        }
        let senders: Vec<Waker> = state.senders.drain(..count).collect();
        self.room_wanted
            .store(!state.senders.is_empty(), Ordering::Relaxed);
        drop(state);
        senders.into_iter().for_each(Waker::wake);
    }

    /// Closes the mailbox and hands out what was left in it.
    pub(crate) fn close(&self) -> VecDeque<Incoming<M>> {
        let mut state = self.state.lock();
        state.closed = true;
        state.receiver = None;
        state.task = None;
        let left = std::mem::take(&mut state.queue);
        let senders = std::mem::take(&mut state.senders);
        self.taken.store(0, Ordering::Relaxed);
        drop(state);
        for sender in senders {
            sender.wake();
        }
        left
    }

    /// Gives back the memory that the queue does not need now.
    pub(crate) fn shrink(&self) {
        self.state.lock().queue.shrink_to_fit();
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().queue.len() + self.taken.load(Ordering::Relaxed)
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Whether there is room for `size` bytes from another node.
    fn has_room(&self, state: &State<M>, size: usize) -> bool {
        let over = state.encoded_bytes > 0 && state.encoded_bytes + size > ENCODED_BYTES_MAX;
        !over && !self.is_full(state)
    }

    fn is_full(&self, state: &State<M>) -> bool {
        state.queue.len() + self.taken.load(Ordering::Relaxed) >= self.capacity
    }
}

/// Wakes behind the lock, so that a receiver that runs at once does not meet it.
fn push_and_wake<M>(mut state: MutexGuard<'_, State<M>>, incoming: Incoming<M>) {
    state.queue.push_back(incoming);
    let receiver = state.receiver.take();
    drop(state);
    if let Some(receiver) = receiver {
        receiver.wake();
    }
}

impl<M> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
