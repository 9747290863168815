//! The driver's part that tells the node and its users what the machine found out.

use std::sync::Arc;
use std::time::Duration;

use noex_core::{Creation, Peer};

use super::driver::Driver;
use super::lane::{Lane, LaneContext, LaneQueue};
use super::notices;
use crate::proto::membership::{Facts, Output, SessionId};
use crate::router::Loss;

impl Driver {
    /// Tells the node and the users what the machine found out.
    pub(super) fn tell(&mut self, output: Output) {
        match output {
            Output::PeerUp { peer } => {
                notices::log_up(&peer);
                self.view.router.up(peer.creation);
                self.node.peer_up(&peer);
                self.view.up(&peer, self.claimed_facts(peer.creation));
            }
            Output::SessionOpened { peer, session } => self.session_opened(session, &peer),
            Output::SessionLost { peer } => self.session_lost(&peer),
            Output::SessionRested { peer } => self.rested(peer.creation),
            Output::PeerDown { peer, reason } => {
                notices::log_down(&peer, reason);
                self.view.router.remove(peer.creation);
                self.node.peer_down(&peer, reason);
                self.view.down(&peer, reason);
                self.severed.remove(&peer.creation);
            }
            Output::Neighbours { nodes } => {
                self.view.router.set_neighbours(nodes);
                self.node.neighbours_changed();
            }
            Output::Facts { peer, facts, age } => self.view.facts(&peer, facts, age),
            Output::Forgotten { node } => self.view.forget(&node),
            Output::Status(status) => {
                let alone = self.machine.session_count() == 0 && !self.sources.is_empty();
                notices::log_status(&self.identity.node, status, alone);
                self.view.enter(status);
            }
            _ => {}
        }
    }

    /// Whoever lost a session is told of the next one before anything comes over it.
    fn session_opened(&mut self, session: SessionId, peer: &Peer) {
        let Some(queue) = self.view.router.open(peer.creation) else {
            return;
        };
        if self.severed.remove(&peer.creation) {
            notices::log_reconnected(peer);
            self.node.peer_reconnected(peer);
        }
        self.start_lane(session, queue);
        if let Some(streams) = self.sessions.get(&session) {
            self.view.facts(peer, streams.claim.facts, Duration::ZERO);
        }
    }

    /// Nobody is told of a member that is not up: it has nothing to lose.
    fn session_lost(&mut self, peer: &Peer) {
        let Some(loss) = self.view.router.lose(peer.creation) else {
            return;
        };
        notices::log_lost(peer);
        match loss {
            Loss::OfHope => self.node.session_not_opened(peer.creation),
            Loss::OfSession => {
                self.node.session_lost(peer.creation);
                self.severed.insert(peer.creation);
            }
        }
        self.view.router.loss_told(peer.creation);
    }

    /// Signals to and from the peer go over the session from now on.
    fn start_lane(&mut self, session: SessionId, queue: Arc<LaneQueue>) {
        let Some(streams) = self.sessions.get_mut(&session) else {
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

    /// How this life of a node said that it fares when a session with it was opened.
    fn claimed_facts(&self, peer: Creation) -> Facts {
        let mut claims = self.sessions.values().map(|streams| &streams.claim);
        claims
            .find(|claim| claim.peer.creation == peer)
            .map_or_else(Facts::default, |claim| claim.facts)
    }
}
