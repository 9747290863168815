//! What the operator reads about the cluster.

use std::net::SocketAddr;

use noex_core::{NodeDownReason, NodeId, Peer};

use crate::proto::membership::{Notice, Status};

/// Writes a notice of the membership machine to the log.
pub(super) fn log_notice(own: &NodeId, notice: &Notice) {
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
            tracing::warn!(%node, "not recorded: there are too many members");
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
            "no seed has answered in time: the node runs alone and goes on searching"
        );
    }
}
