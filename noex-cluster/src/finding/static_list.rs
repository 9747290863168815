//! `StaticList`: addresses that never change.

use std::net::SocketAddr;

use super::{Discovery, DiscoveryError};

/// Addresses that never change.
///
/// ```
/// use noex_cluster::{ClusterConfig, StaticList};
///
/// let list = StaticList::new(["10.0.0.1:4369".parse()?, "[2001:db8::1]:4369".parse()?]);
/// let config = ClusterConfig::new("worker").discovery(list);
/// # config.validate().unwrap();
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StaticList(Vec<SocketAddr>);

impl StaticList {
    /// These addresses.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self(addresses.into_iter().collect())
    }
}

impl Discovery for StaticList {
    async fn addresses(&self) -> Result<Vec<SocketAddr>, DiscoveryError> {
        Ok(self.0.clone())
    }
}
