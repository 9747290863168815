//! `Newborn`: a child that was started for a supervisor which may have ended meanwhile.

use noex_core::{ExitReason, LocalNode, Pid};

/// A child that was started. It is killed when this is dropped before its supervisor took it in:
/// a supervisor that ended in order would leave it behind, since an end in order does not pass
/// over a link.
#[derive(Debug)]
pub(super) struct Newborn {
    node: LocalNode,
    is_taken_in: bool,
    pid: Pid,
}

impl Newborn {
    /// The child `pid`, started for a supervisor on `node`.
    pub(super) const fn new(node: LocalNode, pid: Pid) -> Self {
        let is_taken_in = false;
        Self {
            node,
            is_taken_in,
            pid,
        }
    }

    /// The supervisor answers for it from now on.
    pub(super) fn take_in(mut self) -> Pid {
        self.is_taken_in = true;
        self.pid
    }
}

impl Drop for Newborn {
    fn drop(&mut self) {
        if self.is_taken_in {
            return;
        }
        let pid = self.pid;
        if let Err(error) = self.node.exit(self.node.pid(), pid, ExitReason::Killed) {
            // Its link breaks with the connection.
            tracing::debug!(%pid, %error, "a child that nobody waits for was not killed");
        }
    }
}
