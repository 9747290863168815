//! `Joint`: calls that are awaited together.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use noex_core::CallError;

/// Calls that are awaited together, each with a key.
pub(crate) struct Joint<K, C, R>(Vec<(K, Progress<C, R>)>);

enum Progress<C, R> {
    Waiting(C),
    Done(Result<R, CallError>),
}

/// Ready with all keys and outcomes, in the order of the calls, when the last call is. To be
/// polled no more then.
impl<K, C, R> Joint<K, C, R>
where
    C: Future<Output = Result<R, CallError>> + Unpin,
{
    pub(crate) fn new(calls: impl IntoIterator<Item = (K, C)>) -> Self {
        let calls = calls.into_iter();
        Self(
            calls
                .map(|(key, call)| (key, Progress::Waiting(call)))
                .collect(),
        )
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Vec<(K, Result<R, CallError>)>> {
        let mut is_waiting = false;
        for (_, progress) in &mut self.0 {
            is_waiting |= progress.poll(cx).is_pending();
        }
        if is_waiting {
            return Poll::Pending;
        }
        let done = std::mem::take(&mut self.0).into_iter();
        let outcomes = done.filter_map(|(key, progress)| match progress {
            Progress::Waiting(_) => None,
            Progress::Done(outcome) => Some((key, outcome)),
        });
        Poll::Ready(outcomes.collect())
    }
}

impl<C, R> Progress<C, R>
where
    C: Future<Output = Result<R, CallError>> + Unpin,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Waiting(call) = self {
            match Pin::new(call).poll(cx) {
                Poll::Ready(outcome) => *self = Self::Done(outcome),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}
