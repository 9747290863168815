//! The end of a node: open calls are answered, processes stop.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::LocalNode;
use crate::exit::ExitReason;
use crate::id::Pid;
use crate::process::current_pid;
use crate::signal::{Signal, Target};

impl LocalNode {
    /// How long [`stop_processes`](Self::stop_processes) waits for those that it has killed: a
    /// process is gone when its handler next yields.
    pub const KILL_TIMEOUT: Duration = Duration::from_millis(500);

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
    /// other; each takes those that are linked with it along. One that has not ended after `each`
    /// is killed, and all that are left when `total` is over are killed at once. How many had to
    /// be.
    ///
    /// However many there are, and whether they yield or not, it is done
    /// [`KILL_TIMEOUT`](Self::KILL_TIMEOUT) after `total`.
    ///
    /// # Cancel safety
    /// What was asked to stop goes on stopping.
    pub async fn stop_processes(&self, each: Duration, total: Duration) -> usize {
        let deadline = Instant::now() + total;
        let mut left = self.roots();
        let mut killed = Vec::new();
        while Instant::now() < deadline
            && let Some(pid) = left.pop()
        {
            let mut ended = self.ended(pid);
            self.ask_to_stop(pid);
            let patience = deadline.min(Instant::now() + each);
            if timeout_at(patience, &mut ended).await.is_err() {
                tracing::warn!(%pid, "the process did not stop in time; it is killed");
                self.kill(pid);
                killed.push((pid, ended));
            }
        }
        if !left.is_empty() {
            let processes = left.len();
            tracing::warn!(
                processes,
                ?total,
                "the time to stop is over; the others are killed"
            );
        }
        for pid in left.into_iter().rev() {
            killed.push((pid, self.ended(pid)));
            self.kill(pid);
        }
        let count = killed.len();
        // One time for all: no thread that is blocked makes the others' end later.
        let deadline = Instant::now() + Self::KILL_TIMEOUT;
        for (pid, ended) in killed {
            if timeout_at(deadline, ended).await.is_err() {
                tracing::warn!(%pid, "a killed process does not yield; it is left behind");
            }
        }
        count
    }

    fn roots(&self) -> Vec<Pid> {
        let me = current_pid();
        let roots = self.processes().into_iter().filter(|pid| Some(*pid) != me);
        roots
            .filter(|pid| self.process(*pid).is_some_and(|process| process.is_root()))
            .collect()
    }

    fn ask_to_stop(&self, pid: Pid) {
        let stop = Signal::Stop {
            reason: ExitReason::Shutdown,
        };
        self.deliver(self.creation(), &Target::Process(pid), stop);
    }

    fn kill(&self, pid: Pid) {
        let kill = Signal::Exit {
            from: self.pid(),
            reason: ExitReason::Killed,
            linked: false,
        };
        self.deliver(self.creation(), &Target::Process(pid), kill);
    }
}
