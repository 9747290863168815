//! `Mailbox`: one lock around the queue and the exit request of a process, its waker beside it.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::task::Waker;

use super::urgent::{Rare, UNBOUND, Urgent};
use super::{Batch, Incoming, Overflow};
use crate::inspect::LastKind;
use crate::sync::{AtomicBool, AtomicU8, AtomicU32, Mutex, Ordering};

/// How many messages a mailbox holds unless its process says otherwise.
pub const CAPACITY_DEFAULT: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

/// How many bytes of messages from other nodes a mailbox holds.
const ENCODED_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// The queue of one process. Senders push, the one receiver takes all that is there at once.
///
/// Two lanes: what a handler sees keeps its order in the queue; what acts without the handler, as
/// an exit request does, goes ahead of the queue. Messages and floods are bounded by the capacity;
/// any other [`Info`](super::Info) is not, because whoever caused it was admitted before.
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
    pub(super) capacity: u32,
    /// What goes ahead of the queue.
    pub(super) urgent: AtomicU8,
    pub(super) room_wanted: AtomicBool,
    last_kind: LastKind,
    /// The next thing that comes wakes the process, which has seen all that came before. Set under
    /// the lock, and cleared there by who wakes it. The receiver, which need not take the lock to
    /// see that nothing has come, may clear it at any time: then it looks under the lock again.
    pub(super) asleep: AtomicBool,
    /// The task of the process. It outlives the process in a shell that somebody refers to.
    pub(super) task: OnceLock<Waker>,
    pub(super) state: Mutex<State<M>>,
    /// How much of what the receiver took is not handled yet, or was not a few messages ago;
    /// written by the receiver alone.
    pub(super) taken: AtomicU32,
    /// Written under the lock.
    pub(super) high_water: AtomicU32,
}

pub(super) struct State<M> {
    /// The head of the queue. Most messages find the queue empty and need no more than this.
    pub(super) first: Option<Incoming<M>>,
    /// What came behind the first; empty if there is none.
    pub(super) rest: Batch<M>,
    /// How much the receiver has taken so far.
    pub(super) received: u64,
    pub(super) encoded_bytes: u32,
    pub(super) overflow: Overflow,
    pub(super) closed: bool,
    /// Closed, and everybody who is to know has been told.
    pub(super) ended: bool,
    pub(super) urgent: Option<Box<Urgent>>,
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

impl<M> fmt::Display for PushError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the mailbox is full",
            Self::Closed(_) => "the process has ended",
        })
    }
}

impl<M> std::error::Error for PushError<M> {}

impl<M> Mailbox<M> {
    /// An empty mailbox for at most `capacity` messages.
    #[must_use]
    pub fn new(capacity: NonZeroUsize, overflow: Overflow) -> Self {
        let state = State {
            first: None,
            rest: Batch::new(),
            received: 0,
            encoded_bytes: 0,
            overflow,
            closed: false,
            ended: false,
            urgent: None,
        };
        Self {
            capacity: narrow(capacity.get()),
            urgent: AtomicU8::new(UNBOUND),
            room_wanted: AtomicBool::new(false),
            last_kind: LastKind::none(),
            asleep: AtomicBool::new(false),
            task: OnceLock::new(),
            state: Mutex::new(state),
            taken: AtomicU32::new(0),
            high_water: AtomicU32::new(0),
        }
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
        self.high_water.load(Ordering::Relaxed) as usize
    }

    /// How many messages were dropped for want of room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.look_aside(|rare| rare.dropped)
    }

    /// Looks at what few mailboxes have.
    pub(super) fn look_aside<R: Default>(&self, look: impl FnOnce(&Rare) -> R) -> R {
        let state = self.state.lock();
        let rare = state.urgent.as_ref().and_then(|urgent| urgent.rare_made());
        rare.map(look).unwrap_or_default()
    }

    /// Whether the process waits for something to come.
    pub(crate) fn is_awaited(&self) -> bool {
        self.asleep.load(Ordering::Relaxed) && !self.last_kind.is_handled()
    }

    /// Where the process leaves what kind of message it takes.
    #[inline]
    pub(crate) const fn last_kind(&self) -> &LastKind {
        &self.last_kind
    }

    /// The most messages that may wait; none if there is no bound.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        (self.capacity < u32::MAX).then_some(self.capacity as usize)
    }

    /// How many messages its process has taken out, to handle them; while it is busy, as it was
    /// a few messages ago.
    #[must_use]
    pub fn handled(&self) -> u64 {
        let state = self.state.lock();
        // Under the lock, where both belong to the same batch.
        state.received - u64::from(self.taken.load(Ordering::Relaxed))
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    pub(super) fn waiting(&self, state: &State<M>) -> usize {
        let first = usize::from(state.first.is_some());
        first + state.rest.len() + self.taken.load(Ordering::Relaxed) as usize
    }

    pub(super) fn has_room(&self, state: &State<M>) -> bool {
        self.waiting(state) < self.capacity as usize
    }

    /// Whether there is room for `size` bytes from another node.
    pub(super) fn has_room_for(&self, state: &State<M>, size: u32) -> bool {
        let bytes = state.encoded_bytes.saturating_add(size);
        let over = state.encoded_bytes > 0 && bytes > ENCODED_BYTES_MAX;
        !over && self.has_room(state)
    }
}

/// A count; what is above four billion is as good as that.
pub(super) const fn narrow(count: usize) -> u32 {
    if count > u32::MAX as usize {
        u32::MAX
    } else {
        count as u32
    }
}

impl<M> State<M> {
    pub(super) fn urgent(&mut self) -> &mut Urgent {
        self.urgent.get_or_insert_default()
    }

    /// Whether senders wait for room.
    #[inline]
    pub(super) fn is_room_wanted(&self) -> bool {
        let urgent = self.urgent.as_ref();
        urgent.is_some_and(|urgent| urgent.is_room_wanted())
    }
}

impl<M> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
