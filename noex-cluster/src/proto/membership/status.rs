//! Pure: how far a node has come in its life in the cluster.

use std::fmt;

/// How far a node has come in its life in the cluster.
///
/// ```text
/// Starting ──a member joined, no seeds, or join_timeout──▶ Running ──stop──▶ Stopping ──▶ Stopped
///     └───────────────────────────stop─────────────────────────────────────────▲
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Looking for the first member.
    Starting,
    /// In a cluster, if perhaps alone; still searching.
    Running,
    /// Ending: no new work is taken, and then the members are told.
    Stopping,
    /// Left.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        })
    }
}
