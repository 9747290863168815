//! What the operator reads about the cluster.

use std::net::{SocketAddr, TcpListener};

use noex_core::{NodeDownReason, NodeId, Peer};

use super::warnings::Warnings;
use crate::config::ValidConfig;
use crate::proto::membership::{Notice, Status};

/// What the operator was told of late, so that nothing that happens again and again fills the log.
#[derive(Debug, Default)]
pub(super) struct Notices {
    twins: Warnings<NodeId>,
    wrong_keys: Warnings<NodeId>,
    /// One node stands for all that there was no room for.
    unrecorded: Warnings<()>,
}

impl Notices {
    /// Writes a notice of the membership machine to the log, unless it was there a moment ago.
    pub(super) fn log(&self, own: &NodeId, notice: &Notice) {
        if self.is_due(notice) {
            log_notice(own, notice);
        }
    }

    fn is_due(&self, notice: &Notice) -> bool {
        match notice {
            Notice::TwoLives { peer } => self.twins.is_due(peer.id.clone()),
            Notice::WrongKey { peer } => self.wrong_keys.is_due(peer.id.clone()),
            Notice::TooManyMembers { .. } => self.unrecorded.is_due(()),
            // The machine says the first two once, and the last one is for who looks closely.
            Notice::OtherName { .. } | Notice::NameTaken { .. } | Notice::Paused => true,
        }
    }
}

/// Tells with what a node starts, all but its secrets.
pub(crate) fn log_start(node: &NodeId, listener: &TcpListener, config: &ValidConfig) {
    let listen = listener.local_addr().ok();
    tracing::info!(
        %node, ?listen, cluster = config.cluster_name, secrets = config.keys.marks().len(),
        heartbeat_interval = ?config.heartbeat_interval, miss_threshold = config.miss_threshold,
        "the node starts"
    );
    if !config.keys.secure {
        if listen.is_some_and(|address| address.ip().to_canonical().is_loopback()) {
            tracing::info!(%node, "no secret is set: every program of this machine can join");
        } else {
            tracing::warn!(
                %node,
                "no secret is set: whoever reaches the port can join the cluster"
            );
        }
    }
    if !(config.seeds.is_empty() && config.discoveries.is_empty()) {
        let seeds: Vec<String> = config.seeds.iter().map(ToString::to_string).collect();
        let discoveries = &config.discoveries;
        tracing::info!(%node, ?seeds, ?discoveries, "looks for its cluster");
    }
}

fn log_notice(own: &NodeId, notice: &Notice) {
    match notice {
        Notice::OtherName {
            address,
            expected,
            found,
        } => log_other_name(*address, expected, found),
        Notice::NameTaken { is_member } => log_name_taken(own, *is_member),
        Notice::WrongKey { peer } => tracing::warn!(
            node = %peer.id, creation = %peer.creation,
            "refused: the node shows another key than the one that its life began with"
        ),
        Notice::TwoLives { peer } => tracing::warn!(
            node = %peer.id, creation = %peer.creation,
            "refused: another live node has the same name, host and port; give one of the two \
             another name. If the node was just restarted, it is let in at its next attempt"
        ),
        Notice::TooManyMembers { node } => {
            tracing::warn!(
                %node,
                "not recorded, and perhaps others too: there are as many members as are kept"
            );
        }
        Notice::Paused => {
            tracing::debug!(node = %own, "this process was paused; nobody's silence counts for it");
        }
    }
}

/// Another live node has our own identity.
fn log_name_taken(own: &NodeId, is_member: bool) {
    if is_member {
        tracing::error!(
            node = %own,
            "another live node has the same name, host and port: the nodes that met that one first \
             refuse this one, which stays with those that met it first; give one of the two \
             another name and start it again"
        );
    } else {
        tracing::error!(
            node = %own,
            "another live node has the same name, host and port, so this one is let in nowhere; \
             give one of the two another name. If this node was just restarted, it is let in when \
             its former life is seen to have ended"
        );
    }
}

fn log_other_name(address: SocketAddr, expected: &str, found: &NodeId) {
    tracing::warn!(
        %address, expected, %found,
        "a node of another name than the seed says is behind its address; it is used all the same"
    );
}

/// A node is up.
pub(super) fn log_up(peer: &Peer) {
    tracing::info!(node = %peer.id, creation = %peer.creation, "node up");
}

/// A node that stayed up has a new session.
pub(super) fn log_reconnected(peer: &Peer) {
    tracing::info!(
        node = %peer.id, creation = %peer.creation,
        "connection replaced; links and monitors across the former one are broken"
    );
}

/// The session with a node that is up was lost, or could not be opened.
pub(super) fn log_lost(peer: &Peer) {
    tracing::debug!(
        node = %peer.id, creation = %peer.creation,
        "no session; what waited for one has failed, and the next signal begins another one"
    );
}

/// A node is down.
pub(super) fn log_down(peer: &Peer, reason: NodeDownReason) {
    let next = match reason {
        NodeDownReason::GracefulShutdown => "it is not dialled again",
        NodeDownReason::HeartbeatTimeout | NodeDownReason::ConnectionClosed => {
            "it is dialled again until it answers"
        }
        _ => "",
    };
    tracing::info!(node = %peer.id, creation = %peer.creation, %reason, next, "node down");
}

/// Our own status changed; `alone` says that there are seeds, but no session.
pub(super) fn log_status(own: &NodeId, status: Status, alone: bool) {
    tracing::info!(node = %own, %status, "cluster status");
    if alone && status == Status::Running {
        tracing::warn!(
            node = %own,
            "no seed has let this node in: it runs alone and goes on searching"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use noex_core::Creation;

    use super::*;

    fn peer(name: &str, creation: u64) -> Peer {
        let id = NodeId::new(name, "127.0.0.1", 1).unwrap();
        Peer::new(id, Creation::from_bits(creation))
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_again_and_again_is_told_once_a_minute_for_each_node() {
        let notices = Notices::default();
        let told = |life: u64| {
            let twins = ["a", "b"].map(|name| Notice::TwoLives {
                peer: peer(name, life),
            });
            let keys = ["a", "b"].map(|name| Notice::WrongKey {
                peer: peer(name, life),
            });
            let others = ["a", "b"].map(|name| Notice::TooManyMembers {
                node: peer(name, life).id,
            });
            [twins, keys, others].map(|notices_of| {
                let due = notices_of.iter().filter(|notice| notices.is_due(notice));
                due.count()
            })
        };
        assert_eq!(told(1), [2, 2, 1]);
        for life in 2..100 {
            assert_eq!(told(life), [0; 3]);
        }
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(told(100), [2, 2, 1]);
    }
}
