//! `ExitReason`: why a process ended.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a process ended. It is data: links and monitors carry it, also to other nodes.
///
/// # Examples
/// ```
/// use noex_core::ExitReason;
///
/// assert!(ExitReason::Shutdown.is_orderly());
/// assert!(!ExitReason::error("no disk").is_orderly());
/// assert_eq!(ExitReason::error("no disk").to_string(), "error: no disk");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExitReason {
    /// It had nothing left to do.
    Normal,
    /// Its supervisor, or its node, asked it to stop.
    Shutdown,
    /// As [`Shutdown`](Self::Shutdown), with a word on why.
    ShutdownWith(Arc<str>),
    /// It was killed, and could not object.
    Killed,
    /// Its code panicked.
    Panic(Panic),
    /// It ended itself with an error.
    Error(Arc<str>),
    /// There was no such process (any more) when somebody asked.
    NoProcess,
    /// The connection with its node was lost; it may still be running.
    NoConnection,
    /// Another process holds the cluster-wide name that it claimed.
    NameConflict,
}

/// What a panic said, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Panic {
    /// The panic's message.
    pub message: Arc<str>,
    /// `file:line:column`, or nothing if the panic hook was replaced.
    pub location: Option<Arc<str>>,
}

impl Panic {
    /// A panic with this message, raised at `location`.
    #[must_use]
    pub const fn new(message: Arc<str>, location: Option<Arc<str>>) -> Self {
        Self { message, location }
    }
}

impl ExitReason {
    /// An [`Error`](Self::Error) with this text.
    #[must_use]
    pub fn error(text: impl fmt::Display) -> Self {
        Self::Error(text.to_string().into())
    }

    /// Whether this is an end in order: a transient child that ends so is not restarted.
    #[must_use]
    pub const fn is_orderly(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(why) => write!(f, "shutdown: {why}"),
            Self::Killed => f.write_str("killed"),
            Self::Panic(panic) => write!(f, "{panic}"),
            Self::Error(text) => write!(f, "error: {text}"),
            Self::NoProcess => f.write_str("no such process"),
            Self::NoConnection => f.write_str("connection with its node lost"),
            Self::NameConflict => f.write_str("another process holds its name"),
        }
    }
}

/// So that a program can end with the reason of a process that it needs.
impl std::error::Error for ExitReason {}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "panicked at {location}: {}", self.message),
            None => write!(f, "panicked: {}", self.message),
        }
    }
}
