//! Pure: `Output`, what the machine of a supervisor wants done.

use noex_core::{ExitReason, Pid};

use super::answer::Answer;
use super::child_spec::ChildId;
use crate::Shutdown;

/// What the supervisor must do next. After a start or a stop nothing else comes before its
/// outcome is put in.
#[derive(Debug, PartialEq)]
pub(super) enum Output {
    Start(ChildId),
    Stop {
        child: ChildId,
        pid: Pid,
        shutdown: Shutdown,
    },
    /// All of them at the same time.
    StopAll(Vec<(Pid, Shutdown)>),
    /// The answer to whoever asked.
    Answer(Answer),
    /// All children have ended; so must the supervisor.
    End(ExitReason),
}
