//! The only place that spawns a task of the runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::node::LocalNode;
use crate::process::Scope;

/// Spawns `future` on `runtime`. Whoever spawns owns the handle, and stops the task with it.
pub fn spawn_on<F>(runtime: &Handle, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime.spawn(future)
}

/// Runs `work`, which may block, on a thread that `runtime` keeps for that. It can't be stopped.
pub fn run_blocking_on<T>(
    runtime: &Handle,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T>
where
    T: Send + 'static,
{
    runtime.spawn_blocking(work)
}

/// Spawns `future` as a task of `node`: the node is the current one in it.
pub fn spawn<F>(node: &LocalNode, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    spawn_on(
        node.runtime(),
        Within {
            scope: Scope::Node(node.clone()),
            future,
        },
    )
}

pin_project! {
    /// A future that is polled within a scope.
    struct Within<F> {
        scope: Scope,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.scope.enter();
        this.future.poll(cx)
    }
}
