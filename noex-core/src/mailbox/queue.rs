//! `Mailbox`: one lock around the queue, the exit request and the wakers of a process.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use super::urgent::{self, Urgent};
use super::{Incoming, Info, Overflow};
use crate::call::Inbound;
use crate::exit::ExitReason;
use crate::id::Creation;
use crate::inspect::LastKind;
use crate::process::discard;

/// How many messages a mailbox holds unless its process says otherwise.
pub const CAPACITY_DEFAULT: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

/// How many bytes of messages from other nodes a mailbox holds.
const ENCODED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A queue that has grown beyond this many messages gives its memory back when it is empty.
const KEPT_MAX: usize = 256;

/// The queue of one process. Senders push, the one receiver takes all that is there at once.
///
/// Two lanes: what a handler sees keeps its order in the queue; what acts without the handler, as
/// an exit request does, goes ahead of the queue. Messages and floods are bounded by the capacity;
/// any other [`Info`] is not, because whoever caused it was admitted before.
///
/// # Examples
/// ```
/// use noex_core::mailbox::{Mailbox, Overflow, PushError};
///
/// let mailbox = Mailbox::new(std::num::NonZeroUsize::MIN, Overflow::Refuse);
/// mailbox.push("first").unwrap();
/// assert!(matches!(mailbox.push("second"), Err(PushError::Full("second"))));
/// assert_eq!(mailbox.len(), 1);
/// ```
pub struct Mailbox<M> {
    capacity: usize,
    overflow: Overflow,
    /// What goes ahead of the queue.
    urgent: AtomicU8,
    room_wanted: AtomicBool,
    last_kind: LastKind,
    /// How much of what the receiver took is not handled yet; written by the receiver alone.
    taken: AtomicUsize,
    /// How much the receiver has taken out so far; written by the receiver alone.
    handled: AtomicU64,
    state: Mutex<State<M>>,
}

struct State<M> {
    /// The head of the queue. Most messages find the queue empty and need no more than this.
    first: Option<Incoming<M>>,
    /// What came behind the first; empty if there is none.
    rest: VecDeque<Incoming<M>>,
    /// Set while the receiver waits for something to come.
    receiver: Option<Waker>,
    /// The task itself, for exits that come while a handler waits for something else.
    task: Option<Waker>,
    encoded_bytes: usize,
    high_water: usize,
    closed: bool,
    urgent: Option<Box<Urgent>>,
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
    pub const fn new(capacity: NonZeroUsize, overflow: Overflow) -> Self {
        let state = State {
            first: None,
            rest: VecDeque::new(),
            receiver: None,
            task: None,
            encoded_bytes: 0,
            high_water: 0,
            closed: false,
            urgent: None,
        };
        Self {
            capacity: capacity.get(),
            overflow,
            urgent: AtomicU8::new(0),
            room_wanted: AtomicBool::new(false),
            last_kind: LastKind::none(),
            taken: AtomicUsize::new(0),
            handled: AtomicU64::new(0),
            state: Mutex::new(state),
        }
    }

    /// Queues a typed message. What happens to one that finds no room is the [`Overflow`]'s to say.
    ///
    /// # Errors
    /// [`PushError`] hands the message back.
    #[inline(always)]
    pub fn push(&self, message: M) -> Result<(), PushError<M>> {
        let state = self.state.lock();
        if state.closed {
            return Err(PushError::Closed(message));
        }
        if self.has_room(&state) {
            self.enqueue(state, Incoming::Message(message));
            return Ok(());
        }
        match self.overflow {
            Overflow::Refuse => return Err(PushError::Full(message)),
            Overflow::DropNewest => self.drop_one(state, Some(Incoming::Message(message))),
            Overflow::DropOldest => self.push_over(state, Incoming::Message(message)),
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
        let size = message.size();
        let mut state = self.state.lock();
        if state.closed {
            return Err(PushError::Closed(message));
        }
        if !self.has_room_for(&state, size) {
            return Err(PushError::Full(message));
        }
        state.encoded_bytes += size;
        self.enqueue(state, Incoming::Encoded(message));
        Ok(())
    }

    /// Queues news that was flooded, within the same bounds. Tells whether it was taken.
    pub(crate) fn push_flood(&self, from: Creation, payload: Bytes) -> bool {
        let size = payload.len();
        let mut state = self.state.lock();
        if state.closed || !self.has_room_for(&state, size) {
            return false;
        }
        state.encoded_bytes += size;
        let info = Box::new(Info::Flood { from, payload });
        self.enqueue(state, Incoming::Info(info));
        true
    }

    /// Queues what is exempt from the bound. Tells whether the process still lives.
    pub(crate) fn push_info(&self, info: Info) -> bool {
        let state = self.state.lock();
        let living = !state.closed;
        if living {
            self.enqueue(state, Incoming::Info(Box::new(info)));
        }
        living
    }

    /// Wakes behind the lock, so that a receiver that runs at once does not meet it.
    #[inline(always)]
    fn enqueue(&self, mut state: MutexGuard<'_, State<M>>, incoming: Incoming<M>) {
        if state.first.is_none() {
            state.first = Some(incoming);
        } else {
            state.rest.push_back(incoming);
        }
        state.high_water = state.high_water.max(self.waiting(&state));
        let receiver = state.receiver.take();
        drop(state);
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
        state.urgent().dropped += 1;
        drop(state);
        discard(dropped);
    }

    /// Asks the process to end at once, ahead of its queue. The first request counts.
    pub(crate) fn request_exit(&self, reason: ExitReason) {
        self.put_ahead(urgent::EXIT, |urgent| {
            urgent.exit.get_or_insert(reason);
        });
    }

    /// Changes what goes ahead of the queue, and wakes the process for it. Whether it lives.
    pub(super) fn put_ahead(&self, flag: u8, change: impl FnOnce(&mut Urgent)) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        change(state.urgent());
        self.urgent.fetch_or(flag, Ordering::Release);
        state.alert();
        true
    }

    /// Changes the flags of what goes ahead of the queue alone, as above.
    pub(super) fn flag_ahead(&self, change: impl FnOnce(&AtomicU8)) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        change(&self.urgent);
        state.alert();
        true
    }

    /// Remembers whom to wake for what goes ahead of the queue.
    pub(crate) fn bind_task(&self, waker: &Waker) {
        self.state.lock().task = Some(waker.clone());
    }

    /// What goes ahead of the queue, as flags.
    pub(crate) fn urgent(&self) -> u8 {
        self.urgent.load(Ordering::Acquire)
    }

    /// Looks at what goes ahead of the queue.
    pub(super) fn look_ahead<R>(&self, look: impl FnOnce(&mut Urgent, &AtomicU8) -> R) -> R {
        look(self.state.lock().urgent(), &self.urgent)
    }

    /// Takes the first thing into `place`, and all that is behind it into `batch`, which is empty.
    #[inline]
    pub(crate) fn poll_take(
        &self,
        place: &mut Option<Incoming<M>>,
        batch: &mut VecDeque<Incoming<M>>,
        cx: &Context<'_>,
    ) -> Poll<()> {
        let mut state = self.state.lock();
        if state.first.is_none() {
            self.sleep(state, batch, cx);
            return Poll::Pending;
        }
        *place = state.first.take();
        if matches!(self.overflow, Overflow::DropOldest) {
            // What waits must stay where a newer message can take its place.
            state.first = state.rest.pop_front();
        } else {
            std::mem::swap(&mut state.rest, batch);
        }
        state.encoded_bytes = 0;
        self.note_taken(batch.len());
        // A wish for room that `note_taken` missed is seen here, under the lock.
        let room = self.capacity.saturating_sub(batch.len());
        self.wake_senders(state, room);
        Poll::Ready(())
    }

    /// Adds all that is there to `batch`. `Pending`: there was nothing.
    pub(crate) fn poll_more(
        &self,
        batch: &mut VecDeque<Incoming<M>>,
        cx: &Context<'_>,
    ) -> Poll<()> {
        let mut state = self.state.lock();
        let Some(first) = state.first.take() else {
            self.sleep(state, batch, cx);
            return Poll::Pending;
        };
        batch.push_back(first);
        batch.append(&mut state.rest);
        state.encoded_bytes = 0;
        self.taken.store(batch.len(), Ordering::Relaxed);
        Poll::Ready(())
    }

    fn sleep(
        &self,
        mut state: MutexGuard<'_, State<M>>,
        batch: &mut VecDeque<Incoming<M>>,
        cx: &Context<'_>,
    ) {
        state.receiver = Some(cx.waker().clone());
        self.taken.store(batch.len(), Ordering::Relaxed);
        if state.rest.capacity().max(batch.capacity()) > KEPT_MAX {
            give_back(&mut state.rest);
            give_back(batch);
        }
        // All: some that wait may be gone, and would use up others' wake-ups.
        self.wake_senders(state, usize::MAX);
    }

    /// One more thing is being handled; the receiver has `left` of its batch still before it.
    pub(crate) fn note_taken(&self, left: usize) {
        self.taken.store(left, Ordering::Relaxed);
        let handled = self.handled.load(Ordering::Relaxed) + 1;
        self.handled.store(handled, Ordering::Relaxed);
    }

    /// Tells senders that wait of the room that was made.
    pub(crate) fn make_room(&self) {
        if self.room_wanted.load(Ordering::Relaxed) {
            self.wake_senders(self.state.lock(), 1);
        }
    }

    /// Wakes the first `room` of the senders that wait.
    #[inline]
    fn wake_senders(&self, state: MutexGuard<'_, State<M>>, room: usize) {
        if state.urgent.is_some() {
            self.wake_any_senders(state, room);
        }
    }

    #[cold]
    fn wake_any_senders(&self, mut state: MutexGuard<'_, State<M>>, room: usize) {
        let senders = state.urgent().take_senders(room);
        let wanted = state.urgent().is_room_wanted();
        self.room_wanted.store(wanted, Ordering::Relaxed);
        // So that the next ones take the short way again.
        state.urgent.take_if(|urgent| urgent.is_spent());
        drop(state);
        senders.into_iter().for_each(Waker::wake);
    }

    /// Closes the mailbox and hands out what was left in it.
    pub(crate) fn close(&self) -> impl Sized + use<M> {
        let mut state = self.state.lock();
        state.closed = true;
        let wakers = (state.receiver.take(), state.task.take());
        let left = (state.first.take(), std::mem::take(&mut state.rest));
        let urgent = state.urgent.take();
        state.urgent = urgent.as_ref().and_then(|urgent| urgent.counters());
        self.taken.store(0, Ordering::Relaxed);
        drop(state);
        if let Some(mut urgent) = urgent {
            urgent
                .take_senders(usize::MAX)
                .into_iter()
                .for_each(Waker::wake);
        }
        drop(wakers);
        left
    }

    /// Gives back the memory that the queue does not need now.
    pub(crate) fn shrink(&self) {
        self.state.lock().rest.shrink_to_fit();
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting(&self.state.lock())
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most messages that ever waited.
    #[must_use]
    pub fn high_water(&self) -> usize {
        self.state.lock().high_water
    }

    /// How many messages were dropped for want of room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.look_aside(|urgent| urgent.dropped)
    }

    /// Looks at what few mailboxes have.
    pub(super) fn look_aside<R: Default>(&self, look: impl FnOnce(&Urgent) -> R) -> R {
        let state = self.state.lock();
        state.urgent.as_deref().map(look).unwrap_or_default()
    }

    /// Whether the process waits for something to come.
    pub(crate) fn is_awaited(&self) -> bool {
        self.state.lock().receiver.is_some()
    }

    /// Where the process leaves what kind of message it takes.
    #[inline]
    pub(crate) const fn last_kind(&self) -> &LastKind {
        &self.last_kind
    }

    /// The most messages that may wait.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many messages its process has taken out, to handle them.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    fn waiting(&self, state: &State<M>) -> usize {
        let first = usize::from(state.first.is_some());
        first + state.rest.len() + self.taken.load(Ordering::Relaxed)
    }

    fn has_room(&self, state: &State<M>) -> bool {
        self.waiting(state) < self.capacity
    }

    /// Whether there is room for `size` bytes from another node.
    fn has_room_for(&self, state: &State<M>, size: usize) -> bool {
        let over = state.encoded_bytes > 0 && state.encoded_bytes + size > ENCODED_BYTES_MAX;
        !over && self.has_room(state)
    }
}

/// Gives back the memory of a queue that is empty and was long.
#[cold]
fn give_back<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && queue.capacity() > KEPT_MAX {
        *queue = VecDeque::new();
    }
}

impl<M> State<M> {
    fn urgent(&mut self) -> &mut Urgent {
        self.urgent.get_or_insert_default()
    }

    /// Wakes the process for what goes ahead of the queue.
    fn alert(&mut self) {
        self.receiver = None;
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }
}

impl<M> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
