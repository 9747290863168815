//! `Session`: the streams of one session, and how they are closed.

use std::sync::Arc;
use std::time::Duration;

use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::arrival::Claim;
use super::control::Control;
use super::lane::{Lane, LaneQueue};
use super::stream::SecureStream;

/// The longest that a farewell may take to be written.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(1_500);

/// The streams of one session. Dropping it closes them.
#[derive(Debug)]
pub(super) struct Session {
    /// Who is at the other end.
    pub(super) claim: Claim,
    /// Heartbeats and gossip.
    pub(super) control: Option<Control>,
    /// The lane's stream, before the lane is started.
    pub(super) lane_stream: Option<Box<SecureStream>>,
    /// The lane.
    pub(super) lane: Option<(Lane, Arc<LaneQueue>)>,
    /// Waits for the lane of an accepted session, or for the farewell.
    pub(super) companion: Option<Companion>,
    is_leaving: bool,
    is_resting: bool,
}

/// A task that is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Companion(pub(super) JoinHandle<()>);

impl Drop for Companion {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// A session without streams.
    pub(super) const fn new(claim: Claim) -> Self {
        Self {
            claim,
            control: None,
            lane_stream: None,
            lane: None,
            companion: None,
            is_leaving: false,
            is_resting: false,
        }
    }

    /// Ends the lane behind what is queued, then says goodbye.
    pub(super) fn say_farewell(&mut self) {
        let Some(goodbye) = self.control.as_ref().map(Control::goodbye) else {
            return;
        };
        let queue = self.lane.as_ref().map(|(_, queue)| Arc::clone(queue));
        self.is_leaving = true;
        self.companion = Some(Companion(spawn_on(&Handle::current(), async move {
            if let Some(queue) = queue {
                queue.end();
                // A peer that does not read for so long gets its goodbye without the rest.
                drop(timeout(FAREWELL_TIMEOUT, queue.ended()).await);
            }
            goodbye.say();
        })));
    }

    /// When it is closed, what was said last is written first.
    pub(super) const fn rest(&mut self) {
        self.is_resting = true;
    }

    /// Whether its lane has not come.
    pub(super) const fn awaits_lane(&self) -> bool {
        self.lane_stream.is_none() && self.lane.is_none()
    }

    /// Delivers nothing more, and lets nothing more in.
    pub(super) fn shut(&self) {
        if let Some((lane, queue)) = &self.lane {
            lane.shut();
            queue.end();
        }
    }

    /// Closes all streams, a farewell that is being said first.
    pub(super) fn close(mut self) {
        self.shut();
        if !self.is_leaving && !self.is_resting {
            return;
        }
        let Some(mut control) = self.control.take() else {
            return;
        };
        if self.is_resting {
            control.end();
        }
        // It ends by itself in bounded time, or with its runtime.
        drop(spawn_on(&Handle::current(), async move {
            drop(timeout(FAREWELL_TIMEOUT, control.written()).await);
            drop(self);
        }));
    }
}
