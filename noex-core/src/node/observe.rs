//! `Ended`: waiting for the end of a process without being one.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::LocalNode;
use crate::call::ReplyFuture;
use crate::exit::ExitReason;
use crate::id::{Creation, MonitorRef, Pid};
use crate::mailbox::Down;
use crate::process::AnyProcess;

/// Monitors that the node itself holds for code that is no process.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    made: AtomicU64,
    waiting: Mutex<BTreeMap<MonitorRef, (Pid, oneshot::Sender<ExitReason>)>>,
}

impl Observers {
    /// A number for a new monitor of this node.
    pub(super) fn next_ref(&self) -> MonitorRef {
        MonitorRef::from_bits(self.made.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn down(&self, down: &Down) {
        let mut table = self.waiting.lock();
        let expected = table
            .get(&down.monitor)
            .is_some_and(|(pid, _)| *pid == down.pid);
        let waiting = expected.then(|| table.remove(&down.monitor)).flatten();
        drop(table);
        if let Some((_, waiting)) = waiting {
            // Whoever waited may have gone meanwhile.
            drop(waiting.send(down.reason.clone()));
        }
    }

    /// The nodes of the processes that are monitored.
    pub(super) fn nodes(&self) -> BTreeSet<Creation> {
        let waiting = self.waiting.lock();
        waiting.values().map(|(pid, _)| pid.creation()).collect()
    }

    /// The monitors of processes of the node `lost`.
    pub(super) fn sever(&self, lost: Creation) -> Vec<(MonitorRef, Pid)> {
        let waiting = self.waiting.lock();
        let lost = waiting
            .iter()
            .filter(|(_, (pid, _))| pid.creation() == lost);
        lost.map(|(monitor, (pid, _))| (*monitor, *pid)).collect()
    }
}

/// Waits until a process has ended; its reason is then the output:
/// [`ExitReason::NoProcess`] if it had ended before and is known by its pid alone,
/// [`ExitReason::NoConnection`] if its node is lost.
///
/// # Cancel safety
/// Dropping it takes the monitor back.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Ended(Kind);

#[derive(Debug)]
enum Kind {
    /// The process is of this node.
    Here(ReplyFuture<ExitReason>),
    /// It is known without waiting.
    Known(ExitReason),
    There {
        node: LocalNode,
        pid: Pid,
        monitor: MonitorRef,
        reason: oneshot::Receiver<ExitReason>,
    },
}

impl Ended {
    /// The end of a process of which no more is to be learned.
    pub const fn known(reason: ExitReason) -> Self {
        Self(Kind::Known(reason))
    }

    /// The end of a process of this node, also if it was before.
    pub(crate) fn of_process(process: &dyn AnyProcess) -> Self {
        let (ended, observer, _guard) =
            ReplyFuture::new(process.node(), Duration::MAX, Waker::noop());
        process.observe_end(observer);
        Self(Kind::Here(ended))
    }

    pub(super) fn of(node: &LocalNode, pid: Pid) -> Self {
        if pid.creation() == node.creation() {
            let process = node.process(pid);
            return process.map_or_else(
                || Self::known(ExitReason::NoProcess),
                |process| Self::of_process(&*process),
            );
        }
        let observers = &node.inner().observers;
        let monitor = observers.next_ref();
        let (tx, reason) = oneshot::channel();
        observers.waiting.lock().insert(monitor, (pid, tx));
        node.watch(node.pid(), monitor, pid);
        let node = node.clone();
        Self(Kind::There {
            node,
            pid,
            monitor,
            reason,
        })
    }
}

impl Future for Ended {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        match &mut self.0 {
            Kind::Known(reason) => Poll::Ready(reason.clone()),
            // Only a process whose runtime is gone lets go of an observer without a word.
            Kind::Here(ended) => Pin::new(ended)
                .poll(cx)
                .map(|reason| reason.unwrap_or(ExitReason::Killed)),
            // The table lets go of the sender only after it has sent.
            Kind::There { reason, .. } => Pin::new(reason)
                .poll(cx)
                .map(|reason| reason.unwrap_or(ExitReason::NoProcess)),
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let Kind::There {
            node, pid, monitor, ..
        } = &self.0
        else {
            return;
        };
        let waiting = node.inner().observers.waiting.lock().remove(monitor);
        if waiting.is_some() {
            node.unwatch(node.pid(), *monitor, *pid);
        }
    }
}
