//! Pure: `Work`, what a supervisor is in the middle of.

use noex_core::ExitReason;

use super::child_spec::ChildId;

/// One step of what is under way.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Start(ChildId),
    Stop(ChildId),
    StopAll,
}

/// What is under way.
///
/// ```text
///             Begin            all started
///   Idle ───────────► Beginning ───────────► Idle
///                         │ a start failed
///                         ▼
///                      Ending ──► Over
///                         ▲
///    Exited      too often│, Shutdown, done       asked
///   Idle ──► Restarting ──┘         Idle ──────────────────► Asked ──► Idle
///                └── done, or a start failed ──► Idle
/// ```
#[derive(Debug, PartialEq)]
pub(super) enum Work {
    Idle,
    Beginning,
    /// For the sake of this child.
    Restarting(ChildId),
    Asked(Question),
    Ending(ExitReason),
    Over,
}

/// Who asked for what is under way.
#[derive(Debug, PartialEq)]
pub(super) enum Question {
    /// The child is new: it goes if it does not start.
    Start,
    Restart,
    Terminate,
}
