//! The end of a node: open calls are answered, processes stop.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::LocalNode;
use crate::exit::ExitReason;
use crate::id::Pid;
use crate::process::current_pid;
use crate::signal::{Signal, Target};

/// How long a killed process may take to be gone: it ends when its handler next yields.
const KILL_PATIENCE: Duration = Duration::from_millis(500);

impl LocalNode {
    /// Refuses new calls of other nodes from now on, with
    /// [`CallError::Draining`](crate::CallError::Draining). What they called before is answered,
    /// and what this node's processes call goes on.
    pub fn drain(&self) {
        self.inner().draining.store(true, Ordering::Relaxed);
    }

    /// Waits until no call of another node waits for its answer.
    ///
    /// # Cancel safety
    /// It only looks.
    pub async fn drained(&self) {
        self.inbound_calls().drained().await;
    }

    /// Stops the processes that were started without a link, the youngest first, one after the
    /// other; each takes those that are linked with it along. One that has not ended after `each`,
    /// or when `total` is over, is killed. How many had to be.
    ///
    /// # Cancel safety
    /// What was asked to stop goes on stopping.
    pub async fn stop_processes(&self, each: Duration, total: Duration) -> usize {
        let deadline = Instant::now() + total;
        let mut killed = 0;
        for pid in self.roots().into_iter().rev() {
            let left = deadline.saturating_duration_since(Instant::now());
            killed += usize::from(!self.stop_process(pid, each.min(left)).await);
        }
        killed
    }

    fn roots(&self) -> Vec<Pid> {
        let me = current_pid();
        let roots = self.processes().into_iter().filter(|pid| Some(*pid) != me);
        roots
            .filter(|pid| self.process(*pid).is_some_and(|process| process.is_root()))
            .collect()
    }

    /// Whether the process stopped when it was asked.
    async fn stop_process(&self, pid: Pid, patience: Duration) -> bool {
        let mut ended = self.ended(pid);
        let stop = Signal::Stop {
            reason: ExitReason::Shutdown,
        };
        self.deliver(self.creation(), &Target::Process(pid), stop);
        if timeout(patience, &mut ended).await.is_ok() {
            return true;
        }
        tracing::warn!(%pid, ?patience, "the process did not stop in time; it is killed");
        let kill = Signal::Exit {
            from: self.pid(),
            reason: ExitReason::Killed,
            linked: false,
        };
        self.deliver(self.creation(), &Target::Process(pid), kill);
        if timeout(KILL_PATIENCE, ended).await.is_err() {
            tracing::warn!(%pid, "a killed process does not yield; it is left behind");
        }
        false
    }
}
