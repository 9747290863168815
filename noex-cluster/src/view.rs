//! `View`: what a node knows of its cluster, for its users to read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use noex_core::{LocalNode, NodeDownReason, NodeId, Peer};
use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::event::{ClusterEvent, Events};
use crate::node_info::{NodeInfo, NodeStatus, Stats};
use crate::proto::membership::{Facts, Status};
use crate::router::ClusterRouter;

/// The most events that wait for a subscriber before it misses some.
const EVENTS_MAX: usize = 1_024;

/// What a node knows of its cluster. The driver writes it, users read it.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) router: Arc<ClusterRouter>,
    pub(crate) counts: Counts,
    status: watch::Sender<Status>,
    members: Mutex<BTreeMap<NodeId, Member>>,
    events: Mutex<Option<broadcast::Sender<ClusterEvent>>>,
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sessions: AtomicUsize,
    pub(crate) dials: AtomicUsize,
    pub(crate) members: AtomicUsize,
}

#[derive(Debug, Clone)]
struct Member {
    peer: Peer,
    status: NodeStatus,
    facts: Facts,
    heard_at: Instant,
}

impl View {
    /// A node that knows nobody.
    pub(crate) fn new(router: Arc<ClusterRouter>) -> Self {
        let (events, _nobody_yet) = broadcast::channel(EVENTS_MAX);
        Self {
            router,
            counts: Counts::default(),
            status: watch::Sender::new(Status::Starting),
            members: Mutex::default(),
            events: Mutex::new(Some(events)),
        }
    }

    /// A node is up.
    pub(crate) fn up(&self, peer: &Peer, facts: Facts) {
        let heard_at = Instant::now();
        let member = Member {
            peer: peer.clone(),
            status: NodeStatus::Up,
            facts,
            heard_at,
        };
        let info = info(&member);
        self.members.lock().insert(peer.id.clone(), member);
        self.tell(ClusterEvent::NodeUp(info));
    }

    /// A node is down.
    pub(crate) fn down(&self, peer: &Peer, reason: NodeDownReason) {
        if let Some(member) = self.members.lock().get_mut(&peer.id) {
            member.status = match reason {
                NodeDownReason::GracefulShutdown => NodeStatus::Left,
                _ => NodeStatus::Down,
            };
        }
        self.tell(ClusterEvent::NodeDown {
            id: peer.id.clone(),
            reason,
        });
    }

    /// A member told how it fares, so long ago.
    pub(crate) fn facts(&self, peer: &Peer, facts: Facts, age: Duration) {
        let now = Instant::now();
        let said_at = now.checked_sub(age).unwrap_or(now);
        if let Some(member) = self.members.lock().get_mut(&peer.id)
            && member.peer == *peer
            && said_at >= member.heard_at
        {
            (member.facts, member.heard_at) = (facts, said_at);
        }
    }

    /// A member is not known any more.
    pub(crate) fn forget(&self, node: &NodeId) {
        self.members.lock().remove(node);
    }

    /// Our own status changed, unless it has come further already.
    pub(crate) fn enter(&self, status: Status) {
        // Held while both happen: they come from several threads, and are told in their order.
        let events = self.events.lock();
        let is_further = |known: &mut Status| {
            let is_further = status as u8 > *known as u8;
            if is_further {
                *known = status;
            }
            is_further
        };
        if self.status.send_if_modified(is_further) {
            tell(events.as_ref(), ClusterEvent::StatusChanged(status));
        }
    }

    /// The driver has ended, in order or not: nobody can be reached, and nothing happens any more.
    pub(crate) fn abandon(&self, node: &LocalNode) {
        self.router.clear();
        let members: Vec<Member> = self.members.lock().values().cloned().collect();
        for member in members
            .iter()
            .filter(|member| member.status == NodeStatus::Up)
        {
            let reason = NodeDownReason::ConnectionClosed;
            node.peer_down(&member.peer, reason);
            self.down(&member.peer, reason);
        }
        node.detach();
        self.end();
    }

    /// Nothing happens any more.
    fn end(&self) {
        self.enter(Status::Stopped);
        *self.events.lock() = None;
    }

    /// How far the node has come.
    pub(crate) fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// The status, to wait for another one.
    pub(crate) fn watch_status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// The members that are or were up.
    pub(crate) fn nodes(&self) -> Vec<NodeInfo> {
        self.members.lock().values().map(info).collect()
    }

    /// What is known of one of them.
    pub(crate) fn node(&self, id: &NodeId) -> Option<NodeInfo> {
        self.members.lock().get(id).map(info)
    }

    /// One that is up, in its present life.
    pub(crate) fn peer(&self, id: &NodeId) -> Option<Peer> {
        let members = self.members.lock();
        let member = members.get(id)?;
        (member.status == NodeStatus::Up).then(|| member.peer.clone())
    }

    /// What happens from now on.
    pub(crate) fn subscribe(&self) -> Events {
        Events::new(
            self.events
                .lock()
                .as_ref()
                .map(broadcast::Sender::subscribe),
        )
    }

    /// The counts of this moment.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            sessions: self.counts.sessions.load(Ordering::Relaxed),
            pending_dials: self.counts.dials.load(Ordering::Relaxed),
            known_members: self.counts.members.load(Ordering::Relaxed),
        }
    }

    fn tell(&self, event: ClusterEvent) {
        tell(self.events.lock().as_ref(), event);
    }
}

fn tell(events: Option<&broadcast::Sender<ClusterEvent>>, event: ClusterEvent) {
    if let Some(events) = events {
        // That nobody listens is fine.
        let _listeners = events.send(event);
    }
}

fn info(member: &Member) -> NodeInfo {
    let age = member.heard_at.elapsed();
    let uptime = match member.status {
        NodeStatus::Up => member.facts.uptime.saturating_add(age),
        NodeStatus::Down | NodeStatus::Left => Duration::ZERO,
    };
    NodeInfo {
        id: member.peer.id.clone(),
        status: member.status,
        process_count: member.facts.process_count,
        uptime,
        last_heartbeat_ago: age,
    }
}

#[cfg(test)]
mod tests {
    use noex_core::Creation;

    use super::*;
    use crate::router::ClusterRouter;

    fn view() -> View {
        let limits = crate::net::Limits {
            message_size_max: 100,
            queue_size_max: 100,
        };
        let router = ClusterRouter::new(Creation::from_bits(1), limits);
        View::new(Arc::new(router))
    }

    #[tokio::test]
    async fn a_status_is_told_once_and_none_comes_back() {
        let view = view();
        let mut events = view.subscribe();
        // It begins to stop before it has found anybody.
        for status in [Status::Stopping, Status::Running, Status::Stopping] {
            view.enter(status);
            assert_eq!(view.status(), Status::Stopping);
        }
        view.end();
        for told in [Status::Stopping, Status::Stopped] {
            let event = events.next().await.unwrap();
            assert!(matches!(event, Ok(ClusterEvent::StatusChanged(status)) if status == told));
        }
        assert!(events.next().await.is_none());
    }

    #[test]
    fn a_node_may_say_to_run_for_ever() {
        let view = view();
        let peer = Peer::new("b@h:1".parse().unwrap(), Creation::from_bits(2));
        let facts = Facts {
            process_count: u64::MAX,
            uptime: Duration::MAX,
        };
        view.up(&peer, facts);
        view.facts(&peer, facts, Duration::MAX);
        assert_eq!(view.nodes()[0].uptime, Duration::MAX);
    }
}
