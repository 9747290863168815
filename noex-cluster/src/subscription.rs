//! `Subscription`: a callback that is called until this is dropped.

use noex_core::NodeId;
use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::event::{ClusterEvent, Events};

/// A callback that is called until this is dropped.
#[derive(Debug)]
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    task: JoinHandle<()>,
}

impl Subscription {
    pub(crate) const fn new(task: JoinHandle<()>) -> Self {
        Self { task }
    }

    /// Calls `callback` on `runtime` for all that happens to `node`.
    pub(crate) fn to(
        mut events: Events,
        node: NodeId,
        runtime: &Handle,
        mut callback: impl FnMut(ClusterEvent) + Send + 'static,
    ) -> Self {
        Self::new(spawn_on(runtime, async move {
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => callback(event),
                    Err(missed) => tracing::warn!(
                        %node, %missed,
                        "a callback of the cluster is too slow; let it hand its work over"
                    ),
                }
            }
        }))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}
