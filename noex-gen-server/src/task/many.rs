//! Waiting for several tasks.

use std::time::Duration;

use noex_core::ExitReason;
use noex_core::call::deadline_after;
use tokio::time::{Instant, timeout_at};

use super::TaskRef;

/// What each of `tasks` gives, in their order, once all have ended.
pub async fn await_many<T>(
    tasks: impl IntoIterator<Item = TaskRef<T>>,
) -> Vec<Result<T, ExitReason>> {
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await);
    }
    outcomes
}

/// What each of `tasks` has given when `patience` is over or all have ended; `None` for those that
/// go on, which can be awaited again.
pub async fn yield_many<T>(
    tasks: &mut [TaskRef<T>],
    patience: Duration,
) -> Vec<Option<Result<T, ExitReason>>> {
    let deadline = deadline_after(Instant::now(), patience);
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        outcomes.push(timeout_at(deadline, task).await.ok());
    }
    outcomes
}
