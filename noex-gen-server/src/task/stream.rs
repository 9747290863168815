//! `TaskStream`: one task for each item, a bounded number of them at once.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::iter::Fuse;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use noex_core::ExitReason;

use super::{Task, TaskRef};

/// One task for each item, at most so many at once; made by [`Task::async_stream`].
///
/// At first the values come in the order of the items, and a slow task holds up those behind it:
/// values that are done but not taken count as running, so that they can't pile up.
/// [`unordered`](Self::unordered) gives each value when it is there. New tasks start while the
/// stream is asked for the next value.
///
/// # Examples
/// ```
/// use std::num::NonZeroUsize;
///
/// use noex_core::LocalNode;
/// use noex_gen_server::task::Task;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let _inside = node.enter();
/// let four = NonZeroUsize::new(4).ok_or("four is not zero")?;
/// let mut squares = Task::async_stream(1..=9, four, |number: u32| async move { number * number });
/// let mut sum = 0;
/// while let Some(square) = squares.next().await {
///     sum += square.map_err(|reason| reason.to_string())?;
/// }
/// assert_eq!(sum, 285);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// Dropping the stream kills the tasks that run.
#[must_use = "no task is started unless the stream is asked for its values"]
pub struct TaskStream<I, F, W: Future> {
    items: Fuse<I>,
    make: F,
    concurrency_max: NonZeroUsize,
    ordered: bool,
    linked: bool,
    running: VecDeque<TaskRef<W::Output>>,
}

/// Nothing in it is ever pinned.
impl<I, F, W: Future> Unpin for TaskStream<I, F, W> {}

impl<I, F, W> TaskStream<I, F, W>
where
    I: Iterator,
    F: FnMut(I::Item) -> W,
    W: Future<Output: Send> + Send + 'static,
{
    pub(super) fn new(items: I, concurrency_max: NonZeroUsize, make: F) -> Self {
        Self {
            items: items.fuse(),
            make,
            concurrency_max,
            ordered: true,
            linked: true,
            running: VecDeque::new(),
        }
    }

    /// Gives each value as soon as it is there.
    pub const fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// Starts the tasks without a link: one that fails is an error in the stream, no more.
    pub const fn unlinked(mut self) -> Self {
        self.linked = false;
        self
    }

    /// The next value, or the reason why its task ended; `None` when all items are done.
    ///
    /// # Panics
    /// As [`Task::spawn`], outside of any node.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<W::Output, ExitReason>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// All values, in the order in which the stream gives them.
    pub async fn collect(mut self) -> Vec<Result<W::Output, ExitReason>> {
        let mut values = Vec::new();
        while let Some(value) = self.next().await {
            values.push(value);
        }
        values
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<W::Output, ExitReason>>> {
        while self.running.len() < self.concurrency_max.get()
            && let Some(item) = self.items.next()
        {
            let work = (self.make)(item);
            self.running.push_back(if self.linked {
                Task::spawn(work)
            } else {
                Task::spawn_unlinked(work)
            });
        }
        let candidates = if self.ordered { 1 } else { self.running.len() };
        for place in 0..candidates.min(self.running.len()) {
            if let Poll::Ready(outcome) = Pin::new(&mut self.running[place]).poll(cx) {
                self.running.remove(place);
                return Poll::Ready(Some(outcome));
            }
        }
        if self.running.is_empty() {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }
}

impl<I, F, W: Future> Drop for TaskStream<I, F, W> {
    fn drop(&mut self) {
        self.running.iter_mut().for_each(TaskRef::kill);
    }
}

impl<I, F, W: Future> fmt::Debug for TaskStream<I, F, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
