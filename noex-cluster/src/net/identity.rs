//! `Identity`: what a node shows of itself in a handshake.

use std::sync::Arc;
use std::time::SystemTime;

use noex_core::{Creation, LocalNode, NodeId, Peer};
use parking_lot::RwLock;

use crate::informant::facts_of;
use crate::proto::handshake::{Hello, Purpose, Speech};
use crate::proto::membership::Facts;
use crate::proto::wire::SessionEnds;
use crate::secret::{Keyring, StaticKey};

/// What a node shows of itself in a handshake, and the keys that it does it with.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The node, which tells how it fares.
    pub(crate) local: LocalNode,
    /// Who it is.
    pub(crate) node: NodeId,
    /// Which of its lives this is.
    pub(crate) creation: Creation,
    /// The first incarnation of this life: when it began, in milliseconds of Unix time.
    pub(crate) incarnation: u64,
    /// The key of this life.
    pub(crate) static_key: StaticKey,
    /// The keys that prove membership; they may be replaced while the node runs.
    pub(crate) keys: RwLock<Arc<Keyring>>,
    /// The cluster's name.
    pub(crate) cluster_name: String,
    /// The versions that it speaks.
    pub(crate) speech: Speech,
}

impl Identity {
    /// More than any incarnation that a former life of the node has had, unless the clock was put
    /// back meanwhile, which the membership bears: the milliseconds since 1970.
    #[expect(
        clippy::disallowed_methods,
        reason = "only the wall clock outlives a node"
    )]
    pub(crate) fn first_incarnation() -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let since = since.map_or(0, |since| since.as_millis());
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    /// The keys that prove membership now.
    pub(crate) fn keys(&self) -> Arc<Keyring> {
        Arc::clone(&self.keys.read())
    }

    /// Puts these keys in the place of the former ones, for every handshake from now on.
    pub(crate) fn replace_keys(&self, keys: Keyring) {
        let (count, node) = (keys.iter().count(), &self.node);
        *self.keys.write() = Arc::new(keys);
        tracing::info!(%node, count, "the secrets were replaced");
    }

    /// What the node says of itself on a connection for this purpose.
    pub(crate) fn hello(&self, purpose: Purpose) -> Hello {
        let facts = self.facts();
        let Speech {
            handshakes,
            wires,
            capabilities,
            novelty: _,
        } = self.speech;
        Hello {
            node: self.node.clone(),
            creation: self.creation,
            incarnation: self.incarnation,
            purpose,
            versions: wires,
            handshakes,
            capabilities,
            uptime: facts.uptime,
            process_count: facts.process_count,
        }
    }

    /// How the node fares.
    pub(crate) fn facts(&self) -> Facts {
        facts_of(&self.local)
    }

    /// This life and the peer's, as the wire format wants them.
    pub(crate) const fn ends(&self, remote: Creation) -> SessionEnds {
        SessionEnds {
            local: self.creation,
            remote,
        }
    }

    /// The node, in this life.
    pub(crate) fn peer(&self) -> Peer {
        Peer::new(self.node.clone(), self.creation)
    }
}
