//! `Discovery`: tells where nodes of the cluster may be.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

/// Why a [`Discovery`] can't tell now; it ends up in the log.
pub type DiscoveryError = Box<dyn Error + Send + Sync>;

/// Tells where nodes of the cluster may be.
///
/// It is asked when the node starts and then for as long as it runs: every
/// [`discovery_interval`](crate::ClusterConfig::discovery_interval) after an answer, and after a
/// failure when the reconnect delay is over. It is never asked twice at a time.
///
/// Who is behind an address is found out by the handshake: it may be this node itself, a node
/// that is already known, nobody, or somebody without the secret. An address that is not told any
/// more is not dialled any more; a node that was found there stays a member.
///
/// Its `Debug` names it in the log, so it should tell no token.
///
/// # Examples
/// A file with an address on each line, which somebody else keeps up to date:
/// ```
/// use std::net::SocketAddr;
/// use std::path::PathBuf;
///
/// use noex_cluster::{ClusterConfig, Discovery, DiscoveryError};
///
/// #[derive(Debug)]
/// struct Listed(PathBuf);
///
/// impl Discovery for Listed {
///     async fn addresses(&self) -> Result<Vec<SocketAddr>, DiscoveryError> {
///         let list = std::fs::read_to_string(&self.0)?;
///         Ok(list.lines().map(str::parse).collect::<Result<_, _>>()?)
///     }
/// }
///
/// let config = ClusterConfig::new("worker").discovery(Listed("nodes.txt".into()));
/// # config.validate().unwrap();
/// ```
pub trait Discovery: fmt::Debug + Send + Sync + 'static {
    /// The addresses at which nodes may listen, as far as is known now; at most 256 of them are
    /// used. It runs on the runtime in which the node was started.
    ///
    /// # Errors
    /// Whatever keeps it from telling. The addresses that it told before stay in use, as they do
    /// if it tells none.
    ///
    /// # Cancel safety
    /// The future is dropped when it takes longer than 30 seconds, and when the node leaves.
    fn addresses(&self) -> impl Future<Output = Result<Vec<SocketAddr>, DiscoveryError>> + Send;
}

/// The future of [`Discovery::addresses`], whatever the discovery.
pub(crate) type Addresses<'d> =
    Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, DiscoveryError>> + Send + 'd>>;

/// A [`Discovery`] of any type.
pub(crate) trait DynDiscovery: fmt::Debug + Send + Sync {
    /// As [`Discovery::addresses`].
    fn ask(&self) -> Addresses<'_>;
}

impl<D: Discovery> DynDiscovery for D {
    fn ask(&self) -> Addresses<'_> {
        Box::pin(self.addresses())
    }
}
