//! `Dns`: the addresses behind a host name.

use std::net::SocketAddr;

use tokio::net::lookup_host;

use super::{Discovery, DiscoveryError};

/// All addresses behind a host name, IPv4 and IPv6, as the system's resolver knows them. Such as
/// those of all pods behind a headless service.
///
/// A [seed](crate::ClusterConfig::seed) with a host name is one.
///
/// ```
/// use noex_cluster::{ClusterConfig, Dns};
///
/// let pods = Dns::new("shop-headless.default.svc.cluster.local", 4369);
/// let config = ClusterConfig::new("worker").discovery(pods);
/// # config.validate().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Dns {
    host: String,
    port: u16,
}

impl Dns {
    /// The addresses behind this name, with this port.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self { host, port }
    }
}

impl Discovery for Dns {
    async fn addresses(&self) -> Result<Vec<SocketAddr>, DiscoveryError> {
        let found = lookup_host((self.host.as_str(), self.port)).await?;
        Ok(found.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_behind_itself() {
        for (host, address) in [
            ("10.0.0.1", "10.0.0.1:7"),
            ("2001:db8::1", "[2001:db8::1]:7"),
        ] {
            let found = Dns::new(host, 7).addresses().await.unwrap();
            assert_eq!(found, [address.parse().unwrap()]);
        }
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_an_error() {
        assert!(
            Dns::new("no-such-host.invalid", 7)
                .addresses()
                .await
                .is_err()
        );
    }
}
