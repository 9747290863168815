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
/// ```
#[derive(Debug)]
enum Way {
    /// None was needed.
    Unused,
    /// Through this queue, which a session's lane will empty once there is one.
    Waiting(Arc<LaneQueue>),
    /// Through this queue, which a session's lane empties.
    Queue(Arc<LaneQueue>),
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
            Way::Queue(queue) | Way::Waiting(queue) => Arc::clone(queue),
            Way::Unused | Way::Lost => self.new_queue(peer),
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
            Way::Queue(_) | Way::Lost => Some(Loss::OfSession),
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
            if !self.ways.iter().any(|way| matches!(*way, Way::Waiting(_))) {
                return;
            }
            settling.await;
        }
    }

    /// The queue of signals to this member, in which the first one begins a session.
    fn queue_of(&self, peer: Creation) -> Result<Arc<LaneQueue>, RouteError> {
        let way = self.ways.get(&peer).ok_or(RouteError::NoConnection)?;
        match &*way {
            Way::Queue(queue) | Way::Waiting(queue) => return Ok(Arc::clone(queue)),
            Way::Lost => return Err(RouteError::NoConnection),
            Way::Unused => {}
        }
        // Before the same entry is locked for writing.
        drop(way);
        self.begin(peer)
    }

    /// Somebody may have been faster.
    fn begin(&self, peer: Creation) -> Result<Arc<LaneQueue>, RouteError> {
        let mut way = self.ways.get_mut(&peer).ok_or(RouteError::NoConnection)?;
        match &*way {
            Way::Queue(queue) | Way::Waiting(queue) => return Ok(Arc::clone(queue)),
            Way::Lost => return Err(RouteError::NoConnection),
            Way::Unused => {}
        }
        let queue = self.new_queue(peer);
        *way = Way::Waiting(Arc::clone(&queue));
        drop(way);
        self.wanted.lock().insert(peer);
        self.wanting.notify_one();
        Ok(queue)
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
            Self::Queue(queue) | Self::Waiting(queue) => queue.end(),
            Self::Unused | Self::Lost => {}
        }
    }
}

impl Router for ClusterRouter {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        self.queue_of(to.creation())?.push(to, &signal)
    }

    fn connect(&self, node: Creation) -> Result<(), RouteError> {
        self.queue_of(node).map(drop)
    }

    fn neighbours(&self) -> Vec<Creation> {
        self.neighbours.lock().to_vec()
    }

    fn connected(&self) -> Vec<Creation> {
        let ways = self.ways.iter();
        let connected = ways.filter(|way| matches!(way.value(), Way::Queue(_)));
        connected.map(|way| *way.key()).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use noex_core::{ExitReason, Pid};

    use super::*;

    const LIMITS: Limits = Limits {
        message_size_max: 100,
        queue_size_max: 1_000,
    };

    fn router() -> (ClusterRouter, Creation, Target) {
        let (own, peer) = (Creation::from_bits(1), Creation::from_bits(2));
        let to = Target::Process(Pid::new(peer, 7));
        (ClusterRouter::new(own, LIMITS), peer, to)
    }

    fn stop() -> Signal {
        Signal::Stop {
            reason: ExitReason::Normal,
        }
    }

    #[tokio::test]
    async fn the_first_signal_waits_for_a_session_which_is_asked_for_once() {
        let (router, peer, to) = router();
        router.up(peer);
        assert_eq!(router.route(&to, stop()), Ok(()));
        assert_eq!(router.route(&to, stop()), Ok(()));
        assert_eq!(router.wanted().await, peer);
        assert_eq!(*router.wanted.lock(), BTreeSet::new());
        let waiting = router.queue_of(peer).unwrap();
        assert!(Arc::ptr_eq(&router.open(peer).unwrap(), &waiting));
    }

    #[tokio::test]
    async fn a_member_with_a_session_is_not_asked_for() {
        let (router, peer, to) = router();
        router.up(peer);
        let queue = router.open(peer).unwrap();
        assert_eq!(router.route(&to, stop()), Ok(()));
        assert!(Arc::ptr_eq(&router.queue_of(peer).unwrap(), &queue));
        assert_eq!(*router.wanted.lock(), BTreeSet::new());
    }

    #[test]
    fn who_is_not_up_is_not_reached() {
        let (router, peer, to) = router();
        assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
        router.up(peer);
        router.remove(peer);
        assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
        assert!(router.open(peer).is_none());
        assert_eq!(router.lose(peer), None);
    }

    #[tokio::test]
    async fn nothing_is_let_in_before_the_loss_of_a_session_was_told() {
        let (router, peer, to) = router();
        router.up(peer);
        let lost = router.open(peer).unwrap();
        assert_eq!(router.lose(peer), Some(Loss::OfSession));
        assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
        assert_eq!(lost.push(&to, &stop()), Err(RouteError::NoConnection));
        router.loss_told(peer);
        assert_eq!(router.route(&to, stop()), Ok(()));
        assert_eq!(router.wanted().await, peer);
        assert!(!Arc::ptr_eq(&router.queue_of(peer).unwrap(), &lost));
    }

    #[tokio::test]
    async fn who_is_waited_for_gets_a_session_without_a_signal() {
        let (router, peer, _) = router();
        assert_eq!(router.connect(peer), Err(RouteError::NoConnection));
        router.up(peer);
        assert_eq!(router.connect(peer), Ok(()));
        assert_eq!(router.wanted().await, peer);
        assert_eq!(router.lose(peer), Some(Loss::OfHope));
        assert_eq!(router.connect(peer), Err(RouteError::NoConnection));
    }

    #[tokio::test]
    async fn it_is_settled_when_nothing_waits_for_a_session() {
        let (router, peer, to) = router();
        router.settled().await;
        router.up(peer);
        type Ending = fn(&ClusterRouter, Creation);
        let endings: [Ending; 3] = [
            |router, peer| drop(router.open(peer)),
            |router, peer| assert!(router.lose(peer).is_some()),
            |router, peer| router.remove(peer),
        ];
        for ending in endings {
            router.up(peer);
            router.route(&to, stop()).unwrap();
            let mut settled = std::pin::pin!(router.settled());
            let waits = tokio::time::timeout(std::time::Duration::ZERO, &mut settled).await;
            assert!(waits.is_err());
            ending(&router, peer);
            settled.await;
        }
    }

    #[test]
    fn the_queue_without_a_session_has_the_bound_of_one_with_it() {
        let (router, peer, to) = router();
        router.up(peer);
        let payload = Bytes::from_static(&[0; 100]);
        let message = noex_core::Encoded::new(None, 0, None, Vec::new(), payload);
        let send = || router.route(&to, Signal::Message(message.clone()));
        let taken = std::iter::from_fn(|| send().ok()).count();
        assert!((5..10).contains(&taken), "{taken}");
        assert_eq!(send(), Err(RouteError::Full));
    }
}
