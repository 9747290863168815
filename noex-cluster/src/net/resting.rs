//! The driver's part that closes the sessions that nobody uses.

use std::sync::Arc;

use noex_core::Creation;
use noex_core::Router;
use noex_core::task::spawn_on;

use super::arrival::Arrival;
use super::driver::{Driver, now};
use super::session::Session;
use crate::proto::membership::SessionId;

impl Driver {
    /// Looks for sessions that nobody has used for long, and for which the membership has no use.
    /// Whether anybody waits for anything from there takes a look at every process, which is up to
    /// the users' runtime.
    pub(super) fn look_for_idle(&mut self) {
        let uses = |streams: &Session| Some(streams.lane.as_ref()?.1.uses());
        let sessions = self.sessions.iter();
        let sessions = sessions.filter_map(|(session, streams)| Some((*session, uses(streams)?)));
        let mut idle = self.idleness.look(sessions, now());
        idle.retain(|session| self.machine.is_spare(*session));
        if idle.is_empty() {
            return;
        }
        let peer = |session| Some((session, self.sessions.get(&session)?.claim.peer.creation));
        let idle: Vec<(SessionId, Creation)> = idle.into_iter().filter_map(peer).collect();
        let (node, arrivals) = (self.node.clone(), self.dialer.arrivals.clone());
        // It ends by itself, or with its runtime.
        drop(spawn_on(&self.lanes.runtime, async move {
            let bound = node.bound_to();
            for (session, _) in idle.into_iter().filter(|(_, peer)| !bound.contains(peer)) {
                // When the driver has ended, nobody needs to know.
                drop(arrivals.send(Arrival::Idle { session }).await);
            }
        }));
    }

    /// What comes up from now on waits for the next session.
    pub(super) fn rest(&mut self, session: SessionId) {
        if let Some(streams) = self.sessions.get_mut(&session) {
            streams.rest();
            tracing::debug!(node = %streams.claim.peer.id, "nobody uses the session: it is closed");
            self.view.router.rest(streams.claim.peer.creation);
        }
    }

    /// Whoever began to wait for something from there meanwhile has another session to lose.
    pub(super) fn rested(&self, peer: Creation) {
        self.view.router.rested(peer);
        let (node, router) = (self.node.clone(), Arc::clone(&self.view.router));
        // It ends by itself, or with its runtime.
        drop(spawn_on(&self.lanes.runtime, async move {
            if node.bound_to().contains(&peer)
                && let Err(error) = router.connect(peer)
            {
                tracing::debug!(node = %peer, %error, "who waits for it is told that it is down");
            }
        }));
    }
}
