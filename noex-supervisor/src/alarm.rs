//! `Alarm`: tells a process that its machine's time has come.

use std::time::Instant;

use noex_core::mailbox::Info;
use noex_core::{LocalNode, Pid};
use tokio::time::sleep_until;

use crate::tasks::Tasks;

/// What the alarm posts.
#[derive(Debug)]
pub(crate) struct Tick;

/// Posts a [`Tick`] to one process, at the time that was set last.
#[derive(Debug)]
pub(crate) struct Alarm {
    node: LocalNode,
    pid: Pid,
    set_to: Option<Instant>,
    task: Tasks,
}

impl Alarm {
    pub(crate) fn new(node: &LocalNode, pid: Pid) -> Self {
        Self {
            node: node.clone(),
            pid,
            set_to: None,
            task: Tasks::default(),
        }
    }

    /// The tick comes behind what the process was sent before, so that a machine whose time is
    /// always now can't keep the process from its mailbox.
    pub(crate) fn set(&mut self, at: Option<Instant>) {
        if self.set_to == at {
            return;
        }
        self.set_to = at;
        self.task.abort();
        if let Some(at) = at {
            let (node, pid) = (self.node.clone(), self.pid);
            self.task.spawn(async move {
                sleep_until(at.into()).await;
                node.post(pid, Info::Other(Box::new(Tick)));
            });
        }
    }

    /// The tick has come.
    pub(crate) const fn rang(&mut self) {
        self.set_to = None;
    }
}
