//! The driver's part that tells the node and its users what the machine found out.

use std::sync::Arc;

use noex_core::Peer;

use super::driver::Driver;
use super::lane::{Lane, LaneContext, LaneQueue};
use super::notices;
use crate::proto::membership::{Output, SessionId};

impl Driver {
    /// Tells the node and the users what the machine found out.
    pub(super) fn tell(&mut self, output: Output) {
        match output {
            Output::PeerUp { peer, session } => {
                notices::log_up(&peer);
                let queue = self.publish_lane(session, &peer);
                self.node.peer_up(&peer);
                self.start_lane(session, queue);
                let facts = self
                    .sessions
                    .get(&session)
                    .map(|streams| streams.claim.facts);
                self.view.up(&peer, facts.unwrap_or_default());
            }
            Output::PeerReconnected { peer, session } => {
                notices::log_reconnected(&peer);
                let queue = self.publish_lane(session, &peer);
                self.node.peer_reconnected(&peer);
                self.start_lane(session, queue);
            }
            Output::SessionLost { peer } => {
                self.view.router.remove(peer.creation);
                self.node.session_lost(peer.creation);
            }
            Output::PeerDown { peer, reason } => {
                notices::log_down(&peer, reason);
                self.view.router.remove(peer.creation);
                self.node.peer_down(&peer, reason);
                self.view.down(&peer, reason);
            }
            Output::Facts { peer, facts } => self.view.facts(&peer, facts),
            Output::Forgotten { node } => self.view.forget(&node),
            Output::Status(status) => {
                let alone = self.machine.session_count() == 0 && !self.sources.is_empty();
                notices::log_status(&self.identity.node, status, alone);
                self.view.enter(status);
            }
            _ => {}
        }
    }

    /// Signals to the peer are queued from now on.
    fn publish_lane(&self, session: SessionId, peer: &Peer) -> Option<Arc<LaneQueue>> {
        self.sessions.get(&session)?;
        let queue = LaneQueue::new(self.identity.ends(peer.creation), self.lanes.limits);
        let queue = Arc::new(queue);
        self.view.router.insert(peer.creation, Arc::clone(&queue));
        Some(queue)
    }

    /// Signals from the peer are delivered from now on.
    fn start_lane(&mut self, session: SessionId, queue: Option<Arc<LaneQueue>>) {
        let (Some(queue), Some(streams)) = (queue, self.sessions.get_mut(&session)) else {
            return;
        };
        let Some(stream) = streams.lane_stream.take() else {
            return;
        };
        let ends = self.identity.ends(streams.claim.peer.creation);
        let arrivals = self.dialer.arrivals.clone();
        let context = LaneContext {
            node: self.node.clone(),
            ends,
            session,
            arrivals,
        };
        let lane = Lane::start(&self.lanes.runtime, *stream, Arc::clone(&queue), context);
        streams.lane = Some((lane, queue));
    }
}
