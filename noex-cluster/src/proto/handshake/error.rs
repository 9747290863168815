//! Pure: `HandshakeError`, why two nodes did not come together.

use std::fmt;

use thiserror::Error;

/// Why a handshake failed. The connection is of no further use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum HandshakeError {
    /// What came is not the beginning of a noex handshake.
    #[error("not a noex node: {0}")]
    NotNoex(Stranger),
    /// The peer speaks no version of the handshake that this node speaks.
    #[error(
        "handshake versions {}-{} of the peer have nothing in common with our {}-{}; upgrade the \
         older of the two nodes",
        theirs.0, theirs.1, ours.0, ours.1
    )]
    UnsupportedVersion {
        /// This node's lowest and highest version.
        ours: (u8, u8),
        /// The peer's lowest and highest version.
        theirs: (u8, u8),
    },
    /// Both nodes speak a later version of the handshake than the one that they did.
    #[error(
        "both nodes speak a later version of the handshake: somebody on the way keeps them from it"
    )]
    Downgraded,
    /// The first message is one that came before.
    #[error("the first message is one that came before: somebody repeats what they recorded")]
    Replayed,
    /// The first message was made with another secret or for another cluster.
    #[error("the peer has another secret or another cluster name")]
    WrongSecret,
    /// A message is not what the protocol demands at this point.
    #[error("the handshake message is malformed or forged")]
    BadMessage,
    /// A message says it is longer than any handshake message.
    #[error("handshake message of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most bytes that a handshake message may have.
        limit: usize,
    },
    /// The two nodes have no version of the wire format in common.
    #[error(
        "wire versions {}-{} of the peer have nothing in common with our {}-{}; upgrade the older \
         of the two nodes",
        theirs.0, theirs.1, ours.0, ours.1
    )]
    Incompatible {
        /// This node's lowest and highest version.
        ours: (u16, u16),
        /// The peer's lowest and highest version.
        theirs: (u16, u16),
    },
}

/// What somebody who is no node seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// Began with a method of HTTP.
    Http,
    /// Began with a TLS client hello.
    Tls,
    /// Began with an identification of SSH.
    Ssh,
    /// Began with something else.
    Unknown,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "this looks like an HTTP request",
            Self::Tls => "this looks like a TLS client hello",
            Self::Ssh => "this looks like SSH",
            Self::Unknown => "unknown bytes",
        })
    }
}
