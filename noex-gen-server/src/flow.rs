//! `Flow`: what a callback wants next.

use noex_core::ExitReason;

/// What a callback wants next.
///
/// # Examples
/// ```
/// use noex_core::ExitReason;
/// use noex_gen_server::Flow;
///
/// fn after(attempts_left: u32) -> Flow {
///     if attempts_left == 0 {
///         return Flow::Stop(ExitReason::error("no attempt is left"));
///     }
///     Flow::Continue
/// }
/// # assert_eq!(after(1), Flow::Continue);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flow {
    /// Go on with the next message.
    Continue,
    /// End with this reason.
    Stop(ExitReason),
}
