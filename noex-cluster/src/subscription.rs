//! `Subscription`: a callback that is called until this is dropped.

use tokio::task::JoinHandle;

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
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}
