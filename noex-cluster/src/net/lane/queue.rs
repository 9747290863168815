//! `LaneQueue`: the signals that wait to be written to one peer, already encoded.

use bytes::BytesMut;
use noex_core::{RouteError, Signal, Target};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::proto::wire::{EncodeError, SessionEnds, encode_signal, message_size};

/// The signals that wait to be written to one peer.
///
/// They are encoded when they are queued: so the queue's size is known to the byte, and the
/// writer takes all of it by taking one buffer.
#[derive(Debug)]
pub(crate) struct LaneQueue {
    state: Mutex<State>,
    wake: Notify,
    ended: Notify,
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
}

/// What the writer is to do.
#[derive(Debug)]
pub(super) enum Taken {
    /// Write these frames.
    Frames(BytesMut),
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
            ends,
            limits,
        }
    }

    /// Queues a signal.
    ///
    /// # Errors
    /// Messages are refused if they are too large or the queue is full; everything is, once the
    /// lane ends.
    pub(crate) fn push(&self, to: &Target, signal: &Signal) -> Result<(), RouteError> {
        let mut state = self.state.lock();
        if state.is_ending {
            return Err(RouteError::NoConnection);
        }
        self.check_room(&state, signal)?;
        let was_empty = state.frames.is_empty();
        encode_signal(to, signal, self.ends, &mut state.frames).map_err(route_error)?;
        drop(state);
        if was_empty {
            self.wake.notify_one();
        }
        Ok(())
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

    /// The end of the lane was written, or can't be.
    pub(super) fn set_ended(&self) {
        self.state.lock().is_ending = true;
        self.ended.notify_one();
    }

    /// Everything that is queued. What was taken before counts as written.
    pub(super) fn take(&self) -> Taken {
        let mut state = self.state.lock();
        state.writing = state.frames.len();
        if state.writing > 0 {
            return Taken::Frames(std::mem::take(&mut state.frames));
        }
        if state.is_ending {
            Taken::End
        } else {
            Taken::Nothing
        }
    }

    /// Adds what was queued since to what was taken.
    pub(super) fn take_more(&self, taken: &mut BytesMut) {
        let mut state = self.state.lock();
        if !state.frames.is_empty() {
            state.writing += state.frames.len();
            taken.unsplit(std::mem::take(&mut state.frames));
        }
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
        let queued = state.frames.len() + state.writing;
        if is_refusable && queued + size > self.limits.queue_size_max {
            return Err(RouteError::Full);
        }
        Ok(())
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
