//! Pure: `Advertise`, where others reach a node.

use std::net::Ipv6Addr;

use super::seed::{is_host, parse_port};

/// Where others reach a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advertise {
    /// A host name or an address, an IPv6 one without brackets.
    pub host: String,
    /// The port, if it is not the one that the node listens on.
    pub port: Option<u16>,
}

impl Advertise {
    /// Reads `host` or `host:port`; an IPv6 address has brackets if a port follows.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(host) = plain_host(text) {
            return Some(Self { host, port: None });
        }
        let (host, port) = text.rsplit_once(':')?;
        // An IPv6 address without brackets is no host with a port behind it.
        let host =
            plain_host(host).filter(|plain| !plain.contains(':') || host.starts_with('['))?;
        let port = Some(parse_port(port)?);
        Some(Self { host, port })
    }
}

/// The host in lower case and without the brackets of an IPv6 address; nothing if it is no host.
pub(super) fn plain_host(host: &str) -> Option<String> {
    let plain = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(|_| inner)?,
        None => host,
    };
    is_host(plain).then(|| plain.to_ascii_lowercase())
}
