//! Links, monitors and exit signals, as one process sends them to another.

use crate::exit::ExitReason;
use crate::id::{Creation, MonitorRef, Pid};
use crate::mailbox::{Down, Info};
use crate::node::LocalNode;
use crate::process::AnyProcess;
use crate::router::RouteError;
use crate::signal::{Signal, Target};

impl LocalNode {
    /// Sets a monitor of `watcher`, a process of this node, on `target`. It yields exactly one
    /// [`Down`]: at once if the target does not run or its node can't be reached.
    pub fn monitor(&self, watcher: Pid, target: Pid) -> MonitorRef {
        let monitor = self.inner().observers.next_ref();
        let process = self.process(watcher);
        let set = process.map(|process| process.relations().lock().monitor(monitor, target));
        if matches!(set, Some(Ok(()))) {
            self.watch(watcher, monitor, target);
            // It may have ended in between, and its last signals gone ahead of this one.
            if self.process(watcher).is_none() {
                self.unwatch(watcher, monitor, target);
            }
        }
        monitor
    }

    /// Takes a monitor of `watcher` back. A [`Down`] that is in the mailbox already stays there.
    pub fn demonitor(&self, watcher: Pid, monitor: MonitorRef) {
        let process = self.process(watcher);
        let target = process.and_then(|process| process.relations().lock().take_monitor(monitor));
        if let Some(target) = target {
            self.unwatch(watcher, monitor, target);
        }
    }

    /// Links `process`, of this node, with `other`. If `other` does not run, `process` gets an
    /// exit signal with [`ExitReason::NoProcess`].
    pub fn link(&self, process: Pid, other: Pid) {
        if process == other {
            return;
        }
        let linked = self
            .process(process)
            .map(|process| process.relations().lock().link(other));
        if !matches!(linked, Some(Ok(()))) {
            return;
        }
        if let Err(error) = self.send(&Target::Process(other), Signal::Link { from: process }) {
            let reason = self.unreachable(other, error);
            self.exit_signal(process, other, reason, true);
        } else if self.process(process).is_none() {
            // It ended in between, and its last signals may have gone ahead of this one.
            let signal = Signal::Exit {
                from: process,
                reason: ExitReason::NoProcess,
                linked: true,
            };
            self.tell(other, signal);
        }
    }

    /// Takes the link between `process`, of this node, and `other` back.
    pub fn unlink(&self, process: Pid, other: Pid) {
        if let Some(process) = self.process(process) {
            process.relations().lock().unlink(other);
        }
        self.tell(other, Signal::Unlink { from: process });
    }

    /// Asks `to` to end: [`ExitReason::Killed`] can't be trapped, [`ExitReason::Normal`] does
    /// nothing unless it is trapped.
    ///
    /// # Errors
    /// [`RouteError`] if the signal could not be sent to the process's node.
    pub fn exit(&self, from: Pid, to: Pid, reason: ExitReason) -> Result<(), RouteError> {
        self.send(
            &Target::Process(to),
            Signal::Exit {
                from,
                reason,
                linked: false,
            },
        )
    }

    /// Whether exit signals become messages for `process`, of this node.
    pub fn trap_exit(&self, process: Pid, trap: bool) {
        if let Some(process) = self.process(process) {
            process.relations().lock().trap_exit(trap);
        }
    }

    /// Sends a monitor signal; what can't be sent is answered here.
    pub(super) fn watch(&self, from: Pid, monitor: MonitorRef, target: Pid) {
        let signal = Signal::Monitor { from, monitor };
        if let Err(error) = self.send(&Target::Process(target), signal) {
            let reason = self.unreachable(target, error);
            self.down(from, &Down::new(target, monitor, reason));
        }
    }

    pub(super) fn unwatch(&self, from: Pid, monitor: MonitorRef, target: Pid) {
        self.tell(target, Signal::Demonitor { from, monitor });
    }

    /// Why a process of a node that can't be reached does not answer: a life that is known to be
    /// over has no processes, any other may.
    pub(crate) fn unreachable(&self, target: Pid, error: RouteError) -> ExitReason {
        match error {
            RouteError::NoConnection if self.is_superseded(target.creation()) => {
                ExitReason::NoProcess
            }
            RouteError::NoConnection | RouteError::Full | RouteError::TooLarge { .. } => {
                ExitReason::NoConnection
            }
        }
    }

    /// Whether a later life of the same node has been seen: no process of `creation` runs.
    pub(super) fn is_superseded(&self, creation: Creation) -> bool {
        self.inner().peers.lock().is_superseded(creation)
    }

    /// Sends what nobody waits for: if it can't be sent, the other side learns of the loss.
    pub(super) fn tell(&self, to: Pid, signal: Signal) {
        if let Err(error) = self.send(&Target::Process(to), signal) {
            tracing::debug!(process = %to, %error, "a signal was not sent");
        }
    }

    /// Hands a [`Down`] to `watcher`, of this node, unless its monitor is gone.
    pub(super) fn down(&self, watcher: Pid, down: &Down) {
        if watcher == self.pid() {
            self.inner().observers.down(down);
            return;
        }
        let Some(process) = self.process(watcher) else {
            return;
        };
        let expected = process
            .relations()
            .lock()
            .settle_monitor(down.monitor, down.pid);
        if expected {
            process.post(Info::Down(down.clone()));
        }
    }

    /// Frees the names of `process`, which has ended.
    pub(super) fn free_names(&self, process: &dyn AnyProcess) {
        let pid = process.pid();
        let names = process.relations().lock().end_names();
        for name in names {
            self.inner()
                .names
                .remove_if(&*name, |_, holder| *holder == pid);
        }
    }

    /// Tells all who are related to `process` that it ended.
    pub(super) fn bereave(&self, process: &dyn AnyProcess, reason: &ExitReason) {
        let pid = process.pid();
        let bereaved = process.relations().lock().end();
        for (watcher, monitor) in bereaved.watchers {
            self.tell(
                watcher,
                Signal::Down {
                    pid,
                    monitor,
                    reason: reason.clone(),
                },
            );
        }
        for other in bereaved.links {
            let signal = Signal::Exit {
                from: pid,
                reason: reason.clone(),
                linked: true,
            };
            self.tell(other, signal);
        }
        for (monitor, target) in bereaved.monitoring {
            self.unwatch(pid, monitor, target);
        }
    }
}
