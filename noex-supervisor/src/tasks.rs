//! `Tasks`: the tasks that a process owns; they end with it.

use std::future::Future;

use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// How many tasks there may be before those that are finished are looked for.
const SWEEP_MIN: usize = 16;

/// Tasks that are aborted when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    tasks: Vec<AbortHandle>,
    /// How many of them were left when the finished ones were taken out last.
    left: usize,
}

impl Tasks {
    pub(crate) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        // Only when there are twice as many, so that it costs each task the same.
        if self.tasks.len() >= SWEEP_MIN.max(2 * self.left) {
            self.tasks.retain(|task| !task.is_finished());
            self.left = self.tasks.len();
        }
        let task = spawn_on(&Handle::current(), work);
        self.tasks.push(task.abort_handle());
    }

    pub(crate) fn abort(&mut self) {
        self.tasks.drain(..).for_each(|task| task.abort());
        self.left = 0;
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn finished_tasks_are_let_go_of() {
        let mut tasks = Tasks::default();
        for _ in 0..1000 {
            tasks.spawn(async {});
            tokio::task::yield_now().await;
        }
        assert!(tasks.tasks.len() <= SWEEP_MIN);
        for _ in 0..1000 {
            tasks.spawn(pending());
        }
        assert!((1000..=1000 + SWEEP_MIN).contains(&tasks.tasks.len()));
    }
}
