//! `ClusterRouter`: the outbound edge of a node in a cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use dashmap::DashMap;
use noex_core::{Creation, RouteError, Router, Signal, Target};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::net::{LaneQueue, Limits};
use crate::proto::wire::SessionEnds;

/// The outbound edge of a node in a cluster: a way to each member that is up.
///
/// The driver says who is up and with whom there is a session. The first signal to a member
/// without one waits in the queue that the session's lane will be written from, and the driver is
/// asked for the session.
#[derive(Debug)]
pub(crate) struct ClusterRouter {
    own: Creation,
    limits: Limits,
    ways: DashMap<Creation, Way>,
    neighbours: Mutex<Arc<[Creation]>>,
    wanted: Mutex<BTreeSet<Creation>>,
    wanting: Notify,
    /// Something stopped waiting.
    settling: Notify,
}

/// How signals get to a member that is up.
///
/// ```text
///            first signal            session
///   Unused ───────────────▶ Waiting ──────────▶ Queue
///     ▲  │                     │ not to be had     │ ▲
///     │  └─────────────────────┼── session ────────┼─┘
///     │      loss was told     ▼                   │
///     └─────────────────────  Lost ◀───────────────┘ session lost
///
///            rests                     rested
///   Queue ──────────▶ Resting ──────────────────────▶ Unused, or Waiting if signals came
/// ```
#[derive(Debug)]
enum Way {
    /// None was needed.
    Unused,
    /// Through this queue, which a session's lane will empty once there is one.
    Waiting(Arc<LaneQueue>),
    /// Through this queue, which a session's lane empties.
    Queue(Arc<LaneQueue>),
    /// None for now: what comes up waits in this queue, if there is one, until the session before
    /// has closed in order.
    Resting(Option<Arc<LaneQueue>>),
    /// None for now: the effects of a lost session come before the next one's signals.
    Lost,
}

/// What is lost with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The hope for one: nothing was sent.
    OfHope,
    /// What went over it.
    OfSession,
}

impl ClusterRouter {
    /// Nobody can be reached yet.
    pub(crate) fn new(own: Creation, limits: Limits) -> Self {
        Self {
            own,
            limits,
            ways: DashMap::new(),
            neighbours: Mutex::new(Arc::new([])),
            wanted: Mutex::default(),
            wanting: Notify::new(),
            settling: Notify::new(),
        }
    }

    /// This life of a node is up.
    pub(crate) fn up(&self, peer: Creation) {
        self.ways.insert(peer, Way::Unused);
    }

    /// There is a session with this member: the queue that its lane is written from, with what
    /// waits for it. `None` if the member is not up.
    pub(crate) fn open(&self, peer: Creation) -> Option<Arc<LaneQueue>> {
        let mut way = self.ways.get_mut(&peer)?;
        let queue = match &*way {
            Way::Queue(queue) | Way::Waiting(queue) | Way::Resting(Some(queue)) => {
                Arc::clone(queue)
            }
            Way::Unused | Way::Resting(None) | Way::Lost => self.new_queue(peer),
        };
        *way = Way::Queue(Arc::clone(&queue));
        self.settling.notify_waiters();
        Some(queue)
    }

    /// The session with this member was lost, or can't be had, with what was queued. Nothing is
    /// let in before the loss was [told](Self::loss_told). What that is; nothing if the member is
    /// not up.
    pub(crate) fn lose(&self, peer: Creation) -> Option<Loss> {
        let mut way = self.ways.get_mut(&peer)?;
        way.end();
        self.settling.notify_waiters();
        match std::mem::replace(&mut *way, Way::Lost) {
            Way::Unused | Way::Waiting(_) => Some(Loss::OfHope),
            Way::Queue(_) | Way::Resting(_) | Way::Lost => Some(Loss::OfSession),
        }
    }

    /// The session with this member is to be closed in order: what is queued is still sent over it,
    /// and what comes from now on waits.
    pub(crate) fn rest(&self, peer: Creation) {
        if let Some(mut way) = self.ways.get_mut(&peer)
            && let Way::Queue(queue) = &*way
        {
            queue.end();
            *way = Way::Resting(None);
        }
    }

    /// It has closed, and nothing was lost with it: what waits begins another one.
    pub(crate) fn rested(&self, peer: Creation) {
        let Some(mut way) = self.ways.get_mut(&peer) else {
            return;
        };
        match &*way {
            Way::Resting(None) => *way = Way::Unused,
            Way::Resting(Some(queue)) => {
                let queue = Arc::clone(queue);
                *way = Way::Waiting(queue);
                drop(way);
                self.want(peer);
            }
            Way::Unused | Way::Waiting(_) | Way::Queue(_) | Way::Lost => {}
        }
    }

    /// The effects of a lost session are over: the next signal begins another one.
    pub(crate) fn loss_told(&self, peer: Creation) {
        if let Some(mut way) = self.ways.get_mut(&peer) {
            *way = Way::Unused;
        }
    }

    /// This life of a node is not up any more.
    pub(crate) fn remove(&self, peer: Creation) {
        if let Some((_, way)) = self.ways.remove(&peer) {
            way.end();
            self.settling.notify_waiters();
        }
    }

    /// Nobody can be reached any more.
    pub(crate) fn clear(&self) {
        self.ways.retain(|_, way| {
            way.end();
            false
        });
        self.settling.notify_waiters();
        self.set_neighbours(Vec::new());
    }

    /// News goes to these nodes from now on.
    pub(crate) fn set_neighbours(&self, nodes: Vec<Creation>) {
        *self.neighbours.lock() = nodes.into();
    }

    /// Waits until a signal waits for a session with a member that has none: which member. Told
    /// once for each queue. For one waiter.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn wanted(&self) -> Creation {
        loop {
            let wanted = self.wanted.lock().pop_first();
            match wanted {
                Some(peer) => return peer,
                None => self.wanting.notified().await,
            }
        }
    }

    /// Waits until no signal waits for a session.
    ///
    /// # Cancel safety
    /// It only looks.
    pub(crate) async fn settled(&self) {
        loop {
            let settling = self.settling.notified();
            let waits = |way: &Way| matches!(way, Way::Waiting(_) | Way::Resting(Some(_)));
            if !self.ways.iter().any(|way| waits(&way)) {
                return;
            }
            settling.await;
        }
    }

    /// The queue of signals to this member, in which the first one begins a session.
    fn queue_of(&self, peer: Creation) -> Result<Arc<LaneQueue>, RouteError> {
        let way = self.ways.get(&peer).ok_or(RouteError::NoConnection)?;
        match &*way {
            Way::Queue(queue) | Way::Waiting(queue) | Way::Resting(Some(queue)) => {
                return Ok(Arc::clone(queue));
            }
            Way::Lost => return Err(RouteError::NoConnection),
            Way::Unused | Way::Resting(None) => {}
        }
        // Before the same entry is locked for writing.
        drop(way);
        self.begin(peer)
    }

    /// Somebody may have been faster.
    fn begin(&self, peer: Creation) -> Result<Arc<LaneQueue>, RouteError> {
        let mut way = self.ways.get_mut(&peer).ok_or(RouteError::NoConnection)?;
        match &*way {
            Way::Queue(queue) | Way::Waiting(queue) | Way::Resting(Some(queue)) => {
                Ok(Arc::clone(queue))
            }
            Way::Lost => Err(RouteError::NoConnection),
            Way::Resting(None) => {
                let queue = self.new_queue(peer);
                *way = Way::Resting(Some(Arc::clone(&queue)));
                Ok(queue)
            }
            Way::Unused => {
                let queue = self.new_queue(peer);
                *way = Way::Waiting(Arc::clone(&queue));
                drop(way);
                self.want(peer);
                Ok(queue)
            }
        }
    }

    /// Asks the driver for a session.
    fn want(&self, peer: Creation) {
        self.wanted.lock().insert(peer);
        self.wanting.notify_one();
    }

    fn new_queue(&self, remote: Creation) -> Arc<LaneQueue> {
        let local = self.own;
        Arc::new(LaneQueue::new(SessionEnds { local, remote }, self.limits))
    }
}

impl Way {
    /// Whoever still has its queue in hand is refused.
    fn end(&self) {
        match self {
            Self::Queue(queue) | Self::Waiting(queue) | Self::Resting(Some(queue)) => queue.end(),
            Self::Unused | Self::Resting(None) | Self::Lost => {}
        }
    }
}

impl Router for ClusterRouter {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        let queue = self.queue_of(to.creation())?;
        let pushed = queue.push(to, &signal);
        if pushed != Err(RouteError::NoConnection) {
            return pushed;
        }
        // Its session may have gone to rest just now: then there is another queue.
        let next = self.queue_of(to.creation())?;
        if Arc::ptr_eq(&next, &queue) {
            return Err(RouteError::NoConnection);
        }
        next.push(to, &signal)
    }

    fn connect(&self, node: Creation) -> Result<(), RouteError> {
        self.queue_of(node).map(drop)
    }

    fn neighbours(&self) -> Vec<Creation> {
        self.neighbours.lock().to_vec()
    }

    fn message_size_max(&self) -> usize {
        self.limits.message_size_max
    }

    fn connected(&self) -> Vec<Creation> {
        let ways = self.ways.iter();
        let connected = ways.filter(|way| matches!(way.value(), Way::Queue(_)));
        connected.map(|way| *way.key()).collect()
    }
}

// Beside this file, since one file and a folder of the same name are not one module here; a child,
// since it looks at who is wanted.
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
