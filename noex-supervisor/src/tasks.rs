//! `Tasks`: the tasks that a process owns; they end with it.

use std::future::Future;

use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Tasks that are aborted when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Vec<AbortHandle>);

impl Tasks {
    pub(crate) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.retain(|task| !task.is_finished());
        self.0
            .push(spawn_on(&Handle::current(), work).abort_handle());
    }

    pub(crate) fn abort(&mut self) {
        self.0.drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.abort();
    }
}
