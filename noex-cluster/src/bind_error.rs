//! `BindError`: why a node can't be bound to its port.

use std::io;

use noex_core::NodeIdError;
use thiserror::Error;

use crate::config::ConfigError;

/// Why a node can't be bound to its port. Nothing is left of the attempt.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The configuration breaks a rule.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The port can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The node's name and advertised address make no identity.
    #[error("{0}")]
    NodeId(#[from] NodeIdError),
}
