//! `Deadlocks`: the news of calls that wait for each other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::broadcast;

use crate::id::Pid;
use crate::node::LocalNode;

/// How many deadlocks a listener may be behind before it misses the oldest.
const NEWS_MAX: usize = 64;

/// Processes that wait for each other in a circle: each has called the next one, and the last one
/// the first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlock {
    /// The processes, in the order of their calls.
    pub chain: Vec<Stuck>,
}

/// A process that waits for itself, by way of others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stuck {
    /// Its pid.
    pub pid: Pid,
    /// The local names that it holds.
    pub names: Vec<Arc<str>>,
}

/// The deadlocks of a node, from now on; made by [`LocalNode::deadlocks`].
#[derive(Debug)]
pub struct Deadlocks(broadcast::Receiver<Deadlock>);

impl LocalNode {
    /// The deadlocks that are found among the processes of this node from now on. Whoever listens
    /// or not, each is an event of the `tracing` crate, at the level `warn`.
    ///
    /// A call that has waited for 100 ms is looked at. If processes were found to wait for each
    /// other in a circle, and do so by the same calls 100 ms later, they are a deadlock: none of
    /// them goes on before one of the calls ends, which most often is when its time is over.
    ///
    /// What is seen of a call is who made it and to whom. If the one that was called has passed
    /// the reply handle on, and waits for its caller nevertheless, that looks like a deadlock, too.
    ///
    /// # Examples
    /// ```
    /// # use noex_core::LocalNode;
    /// # async fn watch(node: LocalNode) {
    /// let mut deadlocks = node.deadlocks();
    /// while let Some(deadlock) = deadlocks.next().await {
    ///     println!("these wait for each other: {deadlock}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn deadlocks(&self) -> Deadlocks {
        Deadlocks(self.deadlock_news().0.subscribe())
    }

    /// Whether a deadlock in which no call asks to fail fails one of its calls, with
    /// [`CallError::Deadlock`](crate::CallError::Deadlock). At first it does not.
    pub fn fail_on_deadlock(&self, fail: bool) {
        self.deadlock_news().1.store(fail, Ordering::Relaxed);
    }
}

impl Deadlocks {
    /// The next deadlock; `None` once the node is gone. Who does not listen for long misses the
    /// oldest.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Deadlock> {
        loop {
            match self.0.recv().await {
                Ok(deadlock) => return Some(deadlock),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "deadlocks were not listened to");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// Who listens, and whether calls are to fail.
#[derive(Debug)]
pub(crate) struct DeadlockNews(broadcast::Sender<Deadlock>, AtomicBool);

impl DeadlockNews {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(NEWS_MAX), AtomicBool::new(false))
    }

    pub(super) fn publish(&self, deadlock: Deadlock) {
        // It fails if nobody listens.
        drop(self.0.send(deadlock));
    }

    pub(super) fn fails_calls(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}

impl Deadlock {
    pub(super) const fn new(chain: Vec<Stuck>) -> Self {
        Self { chain }
    }
}

impl Stuck {
    pub(super) const fn new(pid: Pid, names: Vec<Arc<str>>) -> Self {
        Self { pid, names }
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stuck in self.chain.iter().chain(self.chain.first()).enumerate() {
            let (place, Stuck { pid, names }) = stuck;
            let arrow = if place == 0 { "" } else { " -> " };
            write!(f, "{arrow}{pid}")?;
            if let Some(name) = names.first() {
                write!(f, " ({name})")?;
            }
        }
        Ok(())
    }
}
