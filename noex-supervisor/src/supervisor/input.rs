//! Pure: `Input`, what the machine of a supervisor is told.

use noex_core::{ExitReason, Pid};
use noex_gen_server::StartError;

use super::child_spec::{ChildId, ChildSpec};

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    /// The supervisor begins with these children.
    Begin(Vec<ChildSpec>),
    /// The start that was put out is done.
    Started(Pid),
    /// The child that was to start has nothing to do.
    StartIgnored,
    /// The start that was put out has failed.
    StartFailed(StartError),
    /// The stop that was put out is done.
    Stopped,
    /// A linked process ended.
    Exited { pid: Pid, reason: ExitReason },
    /// Somebody adds a child.
    StartChild(ChildSpec),
    /// Somebody stops a child.
    TerminateChild(ChildId),
    /// Somebody stops the child that runs as this process, or did before a restart.
    TerminatePid(Pid),
    /// Somebody starts a child that is stopped.
    RestartChild(ChildId),
    /// Somebody takes away a child that is stopped.
    DeleteChild(ChildId),
    /// The supervisor ends.
    Shutdown,
}
