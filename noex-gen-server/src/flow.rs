//! `Flow`: what a callback wants next.

use noex_core::ExitReason;

/// What a callback wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flow {
    /// Go on with the next message.
    Continue,
    /// End with this reason.
    Stop(ExitReason),
}
