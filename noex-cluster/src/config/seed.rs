//! Pure: `Seed`, an address at which to look for the cluster.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use noex_core::NodeId;
use thiserror::Error;

/// An address at which to look for the cluster: `name@host:port`, `host:port` or `[v6]:port`.
///
/// A seed is an address. The name, if given, is what one expects to find there; another one is
/// worth a warning, no more.
///
/// ```
/// use noex_cluster::Seed;
///
/// let seed: Seed = "worker@10.0.0.7:4369".parse()?;
/// assert_eq!((seed.name.as_deref(), &*seed.host, seed.port), (Some("worker"), "10.0.0.7", 4369));
/// # Ok::<(), noex_cluster::SeedError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Seed {
    /// The node's name, if it was given.
    pub name: Option<String>,
    /// A host name or an address, an IPv6 one without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What is wrong with the text of a seed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SeedError {
    /// There is no port.
    #[error("`:port` is missing")]
    NoPort,
    /// The port is not a number from 1 to 65535 in decimal digits, the first of them not 0.
    #[error("port `{0}` is not a number from 1 to 65535 without leading zeros")]
    Port(String),
    /// The host is neither a host name nor an address.
    #[error("host `{0}` is neither a host name, nor an IPv4 address, nor an IPv6 one in brackets")]
    Host(String),
    /// The name breaks the rule for node names.
    #[error(
        "name `{0}` must start with a letter or digit, go on with letters, digits, `.`, `_` or \
         `-`, and have at most 253 characters"
    )]
    Name(String),
}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        let (name, address) = match text.split_once('@') {
            Some((name, address)) => (Some(name), address),
            None => (None, text),
        };
        if let Some(name) = name.filter(|name| !is_node_name(name)) {
            return Err(SeedError::Name(name.to_owned()));
        }
        if address.ends_with(']') {
            return Err(SeedError::NoPort);
        }
        let (host, port_text) = address.rsplit_once(':').ok_or(SeedError::NoPort)?;
        let Some(port) = parse_port(port_text) else {
            return Err(SeedError::Port(port_text.to_owned()));
        };
        let host = match host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(inner) if inner.parse::<Ipv6Addr>().is_ok() => inner,
            None if !host.contains(':') => host,
            Some(_) | None => return Err(SeedError::Host(host.to_owned())),
        };
        if !is_host(host) {
            return Err(SeedError::Host(host.to_owned()));
        }
        Ok(Self {
            name: name.map(str::to_owned),
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

/// A port in the form that it has in a node id.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    let id: NodeId = format!("name@host:{text}").parse().ok()?;
    Some(id.port())
}

/// Whether a node may have this name.
pub(super) fn is_node_name(name: &str) -> bool {
    NodeId::new(name, "host", 1).is_ok()
}

/// Whether this is a host name or an address, an IPv6 one without brackets. What ends in a number
/// is no name: resolvers take `127.1` for an address in an old short form.
pub(super) fn is_host(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    NodeId::new("name", host, 1).is_ok() && (!is_number || host.parse::<IpAddr>().is_ok())
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, host, port } = self;
        if let Some(name) = name {
            write!(f, "{name}@")?;
        }
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_c02_a_seed_prints_as_it_is_read() {
        for text in [
            "a@10.0.0.1:4369",
            "10.0.0.1:1",
            "[::1]:4369",
            "w@[fe80::1]:65535",
            "h.x:9",
        ] {
            assert_eq!(text.parse::<Seed>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn contract_c07_a_wrong_seed_says_what_is_wrong() {
        let error = |text: &str| text.parse::<Seed>().unwrap_err();
        assert_eq!(error(""), SeedError::NoPort);
        assert_eq!(error("host"), SeedError::NoPort);
        assert_eq!(error("[::1]"), SeedError::NoPort);
        assert_eq!(error("foo:bar"), SeedError::Port("bar".to_owned()));
        assert_eq!(error("foo:0"), SeedError::Port("0".to_owned()));
        assert_eq!(error("foo:65536"), SeedError::Port("65536".to_owned()));
        assert_eq!(error("foo:+1"), SeedError::Port("+1".to_owned()));
        assert_eq!(error("foo:01"), SeedError::Port("01".to_owned()));
        assert_eq!(error("foo:"), SeedError::Port(String::new()));
        assert_eq!(error(":4369"), SeedError::Host(String::new()));
        assert_eq!(error("::1:4369"), SeedError::Host("::1".to_owned()));
        assert_eq!(error("[::1:4369"), SeedError::Host("[::1".to_owned()));
        assert_eq!(error("[host]:4369"), SeedError::Host("[host]".to_owned()));
        assert_eq!(
            error("tcp://host:4369"),
            SeedError::Host("tcp://host".to_owned())
        );
        for short in ["127.1", "0", "10.0.0.256", "a.1"] {
            let refused = error(&format!("{short}:4369"));
            assert_eq!(refused, SeedError::Host(short.to_owned()));
        }
        assert_eq!(error("@host:4369"), SeedError::Name(String::new()));
        assert_eq!(error("a b@host:4369"), SeedError::Name("a b".to_owned()));
    }
}
