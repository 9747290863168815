//! Holding a process up, and following what it does.

use std::any::Any;

use super::MessageKind;
use crate::exit::ExitReason;
use crate::id::Pid;
use crate::mailbox::Incoming;
use crate::node::LocalNode;
use crate::process::{AnyProcess, Process};

/// Under which target the events of traced processes are.
const TARGET: &str = "noex::trace";

impl LocalNode {
    /// Suspends `pid`, a process of this node: from its next message on it handles none until it
    /// is [resumed](Self::resume). Meanwhile messages, timers and requests to stop wait in its
    /// mailbox; it still shows its [state](Self::process_state), and obeys exits and kills. Tells
    /// whether the process lives.
    ///
    /// Being suspended is no matter of how often: the first `resume` ends it.
    pub fn suspend(&self, pid: Pid) -> bool {
        self.process(pid).is_some_and(|process| process.suspend())
    }

    /// Lets a suspended process handle messages again. Tells whether the process lives.
    pub fn resume(&self, pid: Pid) -> bool {
        self.process(pid).is_some_and(|process| process.resume())
    }

    /// From now on, or no longer, there is a `tracing` event at the level `debug`, of the target
    /// `noex::trace`, for each message that `pid`, a process of this node, takes, and for its end.
    /// Tells whether the process lives.
    pub fn trace(&self, pid: Pid, on: bool) -> bool {
        self.process(pid).is_some_and(|process| process.trace(on))
    }
}

/// A traced process takes `incoming`.
#[cold]
pub(crate) fn trace_taken<M: Any + Send>(process: &Process<M>, incoming: &Incoming<M>) {
    let nature = process.origin().nature();
    let kind = MessageKind::of(incoming, |message| nature.kind_of(message));
    let behind = process.mailbox().len();
    let server = nature.server_type();
    tracing::debug!(target: TARGET, pid = %process.pid(), server, %kind, behind, "takes");
}

/// A process has ended.
pub(crate) fn trace_ended(process: &dyn AnyProcess, reason: &ExitReason) {
    if process.is_traced() {
        let server = process.origin().nature().server_type();
        tracing::debug!(target: TARGET, pid = %process.pid(), server, %reason, "has ended");
    }
}
