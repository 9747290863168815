//! `Origin`: what is known of a process from its start on.

use std::time::Duration;

use super::Nature;
use crate::id::Pid;
use crate::node::LocalNode;
use crate::process::{SpawnOptions, current_pid};

/// What is known of a process from its start on. Small: each process has one.
#[derive(Debug)]
pub(crate) struct Origin {
    nature: &'static Nature,
    /// The serial number of its parent, a process of its own node; else 0.
    parent: u64,
    /// When it was started, in milliseconds since its node was; the lowest bit says whether it
    /// was linked.
    born: u64,
}

impl Origin {
    pub(crate) fn new(node: &LocalNode, options: &SpawnOptions) -> Self {
        let parent = options.link.or_else(current_pid);
        let parent = parent.filter(|pid| pid.creation() == node.creation());
        let born = u64::try_from(node.uptime().as_millis()).unwrap_or(u64::MAX >> 1);
        Self {
            nature: options.nature,
            parent: parent.map_or(0, Pid::serial),
            born: born << 1 | u64::from(options.link.is_some()),
        }
    }

    pub(crate) const fn nature(&self) -> &'static Nature {
        self.nature
    }

    pub(crate) const fn is_linked(&self) -> bool {
        self.born & 1 == 1
    }

    /// The process that started it, or that it was linked with, if that is of its own node.
    pub(crate) fn parent(&self, node: &LocalNode) -> Option<Pid> {
        (self.parent != 0).then(|| Pid::new(node.creation(), self.parent))
    }

    pub(super) fn age(&self, node: &LocalNode) -> Duration {
        node.uptime()
            .saturating_sub(Duration::from_millis(self.born >> 1))
    }
}
