//! `LaneQueue`: the signals that wait to be written to one peer, already encoded.

use bytes::BytesMut;
use noex_core::{RouteError, Signal, Target};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::proto::wire::{EncodeError, SessionEnds, encode_signal, message_size};

/// How many times the limit of the queue may wait, with what is never refused. A peer that takes
/// in so little of it has to do without its session.
const OVERFLOW_FACTOR: usize = 2;

/// The largest buffer that is kept for later use.
const SPARE_SIZE_MAX: usize = 1 << 20;

/// The signals that wait to be written to one peer.
///
/// They are encoded when they are queued: so the queue's size is known to the byte, and the
/// writer takes all of it by taking one buffer.
#[derive(Debug)]
pub(crate) struct LaneQueue {
    state: Mutex<State>,
    wake: Notify,
    ended: Notify,
    overflowed: Notify,
    ends: SessionEnds,
    limits: Limits,
}

/// How much a lane carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The most bytes that one message may have.
    pub(crate) message_size_max: usize,
    /// The most bytes that may wait.
    pub(crate) queue_size_max: usize,
}

#[derive(Debug, Default)]
struct State {
    frames: BytesMut,
    writing: usize,
    is_ending: bool,
    /// How often something was queued, or came over the lane.
    uses: u64,
}

/// What the writer is to do.
#[derive(Debug)]
pub(super) enum Taken {
    /// Write these frames.
    Frames,
    /// Wait: nothing is queued.
    Nothing,
    /// All is written, and nothing comes any more.
    End,
}

impl LaneQueue {
    /// Nothing is queued.
    pub(crate) fn new(ends: SessionEnds, limits: Limits) -> Self {
        Self {
            state: Mutex::default(),
            wake: Notify::new(),
            ended: Notify::new(),
            overflowed: Notify::new(),
            ends,
            limits,
        }
    }

    /// Queues a signal.
    ///
    /// # Errors
    /// Messages are refused if they are too large or the queue is full; everything is, once the
    /// lane ends. What can't be refused ends the lane when there is far too much of it.
    pub(crate) fn push(&self, to: &Target, signal: &Signal) -> Result<(), RouteError> {
        let mut state = self.state.lock();
        if state.is_ending {
            return Err(RouteError::NoConnection);
        }
        self.check_room(&state, signal)?;
        let was_empty = state.frames.is_empty();
        encode_signal(to, signal, self.ends, &mut state.frames).map_err(route_error)?;
        let limit = self.limits.queue_size_max.saturating_mul(OVERFLOW_FACTOR);
        if state.queued() > limit {
            (state.is_ending, state.frames) = (true, BytesMut::new());
            drop(state);
            self.overflowed.notify_one();
            return Err(RouteError::NoConnection);
        }
        state.uses += 1;
        drop(state);
        if was_empty {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Something came over the lane.
    pub(super) fn used(&self) {
        self.state.lock().uses += 1;
    }

    /// How often something was queued, or came over the lane.
    pub(in crate::net) fn uses(&self) -> u64 {
        self.state.lock().uses
    }

    /// Lets nothing more in. What is queued is still written, and then the end of the lane.
    pub(crate) fn end(&self) {
        self.state.lock().is_ending = true;
        self.wake.notify_one();
    }

    /// Waits until the end of the lane was written, or can't be. For one waiter.
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Waits until there is far too much to write. For one waiter.
    pub(super) async fn overflowed(&self) {
        self.overflowed.notified().await;
    }

    /// The end of the lane was written, or can't be.
    pub(super) fn set_ended(&self) {
        self.state.lock().is_ending = true;
        self.ended.notify_one();
    }

    /// Puts everything that is queued in place of what `frames` holds, which counts as written.
    /// The two buffers change places, so a busy lane allocates none.
    pub(super) fn take(&self, frames: &mut BytesMut) -> Taken {
        if frames.capacity() > SPARE_SIZE_MAX {
            *frames = BytesMut::new();
        }
        frames.clear();
        let mut state = self.state.lock();
        std::mem::swap(&mut state.frames, frames);
        state.writing = frames.len();
        match (frames.is_empty(), state.is_ending) {
            (false, _) => Taken::Frames,
            (true, true) => Taken::End,
            (true, false) => Taken::Nothing,
        }
    }

    /// Adds what was queued since to what was taken.
    pub(super) fn take_more(&self, frames: &mut BytesMut) {
        let mut state = self.state.lock();
        frames.extend_from_slice(&state.frames);
        state.frames.clear();
        state.writing = frames.len();
    }

    /// Waits until something was queued, or the lane ends.
    pub(super) async fn wait(&self) {
        self.wake.notified().await;
    }

    /// Only messages are refused for want of room: what answers something was admitted with it.
    fn check_room(&self, state: &State, signal: &Signal) -> Result<(), RouteError> {
        let (size, limit) = (message_size(signal), self.limits.message_size_max);
        if size > limit {
            return Err(RouteError::TooLarge { size, limit });
        }
        let is_refusable = matches!(signal, Signal::Message(_) | Signal::Flood { .. });
        if is_refusable && state.queued() + size > self.limits.queue_size_max {
            return Err(RouteError::Full);
        }
        Ok(())
    }
}

impl State {
    /// The bytes that wait, or are being written.
    fn queued(&self) -> usize {
        self.frames.len() + self.writing
    }
}

/// A signal that the wire format has no form for reaches nobody on another node.
fn route_error(error: EncodeError) -> RouteError {
    tracing::debug!(%error, "signal to another node dropped");
    match error {
        EncodeError::NameTooLong { size, limit } => RouteError::TooLarge { size, limit },
        EncodeError::TooManyReplies { count, limit } => RouteError::TooLarge { size: count, limit },
        EncodeError::TooLarge(size) => RouteError::TooLarge {
            size,
            limit: u32::MAX as usize,
        },
        EncodeError::ForeignSender | EncodeError::Unsupported => RouteError::NoConnection,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use noex_core::{Creation, Encoded};

    use super::*;

    const LIMITS: Limits = Limits {
        message_size_max: 100,
        queue_size_max: 1_000,
    };

    fn queue() -> (LaneQueue, Target) {
        let (local, remote) = (Creation::from_bits(1), Creation::from_bits(2));
        (
            LaneQueue::new(SessionEnds { local, remote }, LIMITS),
            Target::Node(remote),
        )
    }

    fn message(size: usize) -> Signal {
        Signal::Message(Encoded::new(
            None,
            0,
            None,
            Vec::new(),
            Bytes::from(vec![0; size]),
        ))
    }

    #[test]
    fn a_full_queue_refuses_messages_and_nothing_else() {
        let (queue, to) = queue();
        let fill = || std::iter::from_fn(|| queue.push(&to, &message(100)).ok()).count();
        assert!((5..10).contains(&fill()));
        assert_eq!(queue.push(&to, &message(100)), Err(RouteError::Full));
        let call = noex_core::CallRef::from_bits(1);
        let reply = Signal::Reply {
            call,
            body: Bytes::from_static(b"yes"),
        };
        assert_eq!(queue.push(&to, &reply), Ok(()));
        let mut frames = BytesMut::new();
        assert!(matches!(queue.take(&mut frames), Taken::Frames));
        assert_eq!(
            queue.push(&to, &message(100)),
            Err(RouteError::Full),
            "it is being written"
        );
        assert!(matches!(queue.take(&mut frames), Taken::Nothing));
        assert!((5..10).contains(&fill()));
    }

    #[tokio::test]
    async fn far_too_much_of_what_is_never_refused_ends_the_lane() {
        let (queue, to) = queue();
        let call = noex_core::CallRef::from_bits(1);
        let body = Bytes::from_static(&[0; 100]);
        let reply = Signal::Reply { call, body };
        let taken = std::iter::from_fn(|| queue.push(&to, &reply).ok()).count();
        assert!((10..20).contains(&taken), "{taken}");
        queue.overflowed().await;
        assert_eq!(queue.push(&to, &reply), Err(RouteError::NoConnection));
        assert!(matches!(queue.take(&mut BytesMut::new()), Taken::End));
    }

    #[test]
    fn a_message_over_the_limit_is_refused_before_it_is_queued() {
        let (queue, to) = queue();
        let refused = queue.push(&to, &message(101));
        assert_eq!(
            refused,
            Err(RouteError::TooLarge {
                size: 101,
                limit: 100
            })
        );
        assert!(matches!(queue.take(&mut BytesMut::new()), Taken::Nothing));
    }

    #[test]
    fn an_ending_lane_writes_what_is_queued_and_takes_nothing_more() {
        let (queue, to) = queue();
        queue.push(&to, &message(1)).unwrap();
        queue.end();
        assert_eq!(queue.push(&to, &message(1)), Err(RouteError::NoConnection));
        let mut frames = BytesMut::new();
        assert!(matches!(queue.take(&mut frames), Taken::Frames));
        assert!(matches!(queue.take(&mut frames), Taken::End));
    }
}
