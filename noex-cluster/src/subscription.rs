//! `Subscription`: a callback that is called until this is dropped, or for good.

use std::panic::{AssertUnwindSafe, catch_unwind};

use noex_core::NodeId;
use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, yield_now};

use crate::event::{ClusterEvent, Events};

/// A callback that is called until this is dropped; for as long as its node is in its cluster if
/// this is [detached](Self::detach).
///
/// One that panics is an error in the log, and is called for what happens next. A call that is
/// under way when this is dropped goes on, and no other one follows.
#[derive(Debug)]
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    /// `None`: it is detached.
    task: Option<JoinHandle<()>>,
}

impl Subscription {
    pub(crate) const fn new(task: JoinHandle<()>) -> Self {
        let task = Some(task);
        Self { task }
    }

    /// Lets the calls go on until the node has left its cluster.
    pub fn detach(mut self) {
        self.task = None;
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
                // Events that wait already would be told without a pause, in which alone a task
                // hears that it is stopped.
                yield_now().await;
            }
        }))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// What a callback that panics left half done is its own.
fn call(callback: &mut impl FnMut(ClusterEvent), event: &ClusterEvent, node: &NodeId) {
    let told = event.clone();
    if catch_unwind(AssertUnwindSafe(|| callback(told))).is_err() {
        tracing::error!(%node, ?event, "a callback of the cluster panicked");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use tokio::sync::broadcast;

    use super::*;
    use crate::proto::membership::Status;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_callback_is_not_called_again_once_its_subscription_was_dropped() {
        let (tell, events) = broadcast::channel(8);
        for _ in 0..8 {
            tell.send(ClusterEvent::StatusChanged(Status::Running))
                .unwrap();
        }
        let (begun, calls) = channel();
        let (go, may_go) = channel::<()>();
        let events = Events::new(Some(events));
        let node = "a@h:1".parse().unwrap();
        let subscription = Subscription::to(events, node, &Handle::current(), move |_| {
            begun.send(()).unwrap();
            // It goes on when the test has let go of its end.
            may_go.recv().unwrap_err();
        });
        // The first call, in the midst of which the subscription is dropped.
        calls.recv().unwrap();
        drop(subscription);
        drop(go);
        // The callback is dropped with its task, and its end of the channel with it.
        assert_eq!(calls.iter().count(), 0);
    }
}
