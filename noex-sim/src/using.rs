//! The world's part that has use for sessions beyond those of neighbours, as users of a node do.

use noex_cluster::sim::{Input, SessionId};
use rand::RngExt;

use crate::connection::EndIndex;
use crate::node::Condition;
use crate::truth::What;
use crate::world::World;

impl World {
    /// Something on a host waits for sessions with a few others, which it holds for up; on some of
    /// them something waits for this host at the same time.
    pub fn use_sessions(&mut self, host: usize) {
        for _ in 0..3 {
            let other = self.rng.random_range(0..self.nodes.len());
            self.want(host, other);
            if self.rng.random() {
                self.want(other, host);
            }
        }
    }

    fn want(&mut self, host: usize, other: usize) {
        let (node, peer) = (&self.nodes[host], &self.nodes[other]);
        if node.condition == Condition::Running && node.holds(peer.life) {
            let peer = peer.peer.creation;
            self.tell(host, peer, What::Wanted);
            self.input(host, Input::Wanted { peer });
        }
    }

    /// Nothing on a host, nor anywhere else for it, waits for anything that crosses its sessions;
    /// the other side of some of them finds that at the same time.
    pub fn rest_sessions(&mut self, host: usize) {
        for session in self.spare_sessions(host) {
            let end = EndIndex::of_session(session);
            let other = &self.connections[end.connection()].ends[end.other().end()];
            let (peer, theirs) = (other.host, end.other().session());
            let is_there = other.is_open && self.nodes[peer].life == other.life;
            self.input(host, Input::Rest { session });
            if is_there && self.rng.random() {
                self.input(peer, Input::Rest { session: theirs });
            }
        }
    }

    /// The sessions of a host for which its membership has no use.
    #[must_use]
    pub fn spare_sessions(&self, host: usize) -> Vec<SessionId> {
        let node = &self.nodes[host];
        if node.condition != Condition::Running {
            return Vec::new();
        }
        let sessions = node.ends.iter().map(|end| end.session());
        sessions
            .filter(|session| node.machine.is_spare(*session))
            .collect()
    }
}
