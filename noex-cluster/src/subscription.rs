//! `Subscription`: a callback that is called until this is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};

use noex_core::NodeId;
use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::event::{ClusterEvent, Events};

/// A callback that is called until this is dropped.
///
/// One that panics is an error in the log, and is called for what happens next.
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
                    Ok(event) => call(&mut callback, &event, &node),
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

/// What a callback that panics left half done is its own.
fn call(callback: &mut impl FnMut(ClusterEvent), event: &ClusterEvent, node: &NodeId) {
    let told = event.clone();
    if catch_unwind(AssertUnwindSafe(|| callback(told))).is_err() {
        tracing::error!(%node, ?event, "a callback of the cluster panicked");
    }
}
