//! `NodeId`: a node's identity, `name@host:port`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most bytes a node's name or host may have.
const PART_SIZE_MAX: usize = 253;

/// A node's identity: `name@host:port`, with the host and port that it advertises.
///
/// All three parts count: many hosts may run a node of the same name. An IPv6 host stands in
/// brackets, as in `a@[::1]:4369`.
///
/// ```
/// use noex_core::NodeId;
///
/// let id: NodeId = "worker@10.0.0.7:4369".parse()?;
/// assert_eq!((id.name(), id.host(), id.port()), ("worker", "10.0.0.7", 4369));
/// # Ok::<(), noex_core::NodeIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(Arc<Parts>);

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    name: String,
    host: String,
    port: u16,
}

/// Why a text is no node id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeIdError {
    /// There is no `@`, or no `:port` behind the host.
    #[error("`{0}` is not of the form name@host:port")]
    Form(String),
    /// The name breaks the rule for names.
    #[error(
        "node name `{0}` must start with a letter or digit, go on with letters, digits, `.`, `_` \
         or `-`, and have at most 253 characters"
    )]
    Name(String),
    /// The host is neither a host name, nor an IPv4 address, nor an IPv6 address in brackets.
    #[error("host `{0}` is neither a host name, nor an IPv4 address, nor an IPv6 one in brackets")]
    Host(String),
    /// The port is not a number from 1 to 65535 in decimal digits, the first of them not 0.
    #[error("port `{0}` is not a number from 1 to 65535 without leading zeros")]
    Port(String),
}

impl NodeId {
    /// Builds an id from its parts; an IPv6 host is given without brackets.
    ///
    /// # Errors
    /// [`NodeIdError`] names the part that breaks its rule.
    pub fn new(name: &str, host: &str, port: u16) -> Result<Self, NodeIdError> {
        if !is_name(name) {
            return Err(NodeIdError::Name(name.to_owned()));
        }
        if host.parse::<Ipv6Addr>().is_err() && !is_host_name(host) {
            return Err(NodeIdError::Host(host.to_owned()));
        }
        if port == 0 {
            return Err(NodeIdError::Port(port.to_string()));
        }
        let (name, host) = (name.to_owned(), host.to_ascii_lowercase());
        Ok(Self(Arc::new(Parts { name, host, port })))
    }

    /// The part before the `@`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The host that the node advertises, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port that the node advertises.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }
}

/// A letter or digit, then letters, digits, `.`, `_`, `-`; at most 253 bytes.
fn is_name(name: &str) -> bool {
    name.len() <= PART_SIZE_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Letters, digits, `.`, `_`, `-` with a letter or digit first; IPv4 addresses are of that form.
fn is_host_name(host: &str) -> bool {
    is_name(host)
}

/// A port in the one form in which it is printed: digits, the first of them not 0. So an identity
/// has one text.
fn parse_port(text: &str) -> Option<u16> {
    let is_plain = text.starts_with(|first: char| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| is_plain)
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        let form = || NodeIdError::Form(text.to_owned());
        let (name, address) = text.split_once('@').ok_or_else(form)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(form)?;
        let port = parse_port(port).ok_or_else(|| NodeIdError::Port(port.to_owned()))?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest
                .strip_suffix(']')
                .filter(|inner| inner.parse::<Ipv6Addr>().is_ok())
                .ok_or_else(|| NodeIdError::Host(host.to_owned()))?,
            None if host.contains(':') => return Err(NodeIdError::Host(host.to_owned())),
            None => host,
        };
        Self::new(name, host, port)
    }
}

impl TryFrom<String> for NodeId {
    type Error = NodeIdError;

    fn try_from(text: String) -> Result<Self, NodeIdError> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { name, host, port } = &*self.0;
        if host.contains(':') {
            write!(f, "{name}@[{host}]:{port}")
        } else {
            write!(f, "{name}@{host}:{port}")
        }
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_as_it_is_read() {
        for text in [
            "a@127.0.0.1:1",
            "worker-1.x_y@[::1]:65535",
            "0@host.example:4369",
        ] {
            assert_eq!(text.parse::<NodeId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_id_says_which_part_is_wrong() {
        let error = |text: &str| text.parse::<NodeId>().unwrap_err();
        assert!(matches!(error("a"), NodeIdError::Form(_)));
        assert!(matches!(error("a@host"), NodeIdError::Form(_)));
        assert!(matches!(error("-a@host:1"), NodeIdError::Name(_)));
        assert!(matches!(error("a b@host:1"), NodeIdError::Name(_)));
        assert!(matches!(error("a@ho st:1"), NodeIdError::Host(_)));
        assert!(matches!(error("a@::1:1"), NodeIdError::Host(_)));
        assert!(matches!(error("a@[::1:1"), NodeIdError::Host(_)));
        assert!(matches!(
            error(&format!("{}@host:1", "a".repeat(254))),
            NodeIdError::Name(_)
        ));
    }

    #[test]
    fn a_port_has_one_form_in_text_and_in_a_message() {
        for port in [
            "", "0", "01", "+1", "-1", " 1", "1 ", "1_0", "0x1", "65536", "\u{661}",
        ] {
            let text = format!("a@host:{port}");
            let error = text.parse::<NodeId>().unwrap_err();
            assert_eq!(error, NodeIdError::Port(port.to_owned()), "{text}");
            let message = rmp_serde::to_vec(&text).unwrap();
            assert!(rmp_serde::from_slice::<NodeId>(&message).is_err(), "{text}");
        }
        for port in [1, 10, 65535] {
            let id: NodeId = format!("a@host:{port}").parse().unwrap();
            assert_eq!(id.port(), port);
        }
    }
}
