//! `Phases`: what a process does first, and what it does from then on.

use std::future::{Future, Pending};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::exit::ExitReason;

/// The first phase of a process that has none.
pub(crate) type NoStart<L> = Pending<Result<L, ExitReason>>;

pin_project! {
    /// What a process does first, and what it does from then on; one after the other in one place.
    #[project = Phase]
    pub(crate) enum Phases<I, L> {
        /// Its output is the next phase, or why there is none.
        Start { #[pin] start: I },
        Run { #[pin] run: L },
        Over,
    }
}

impl<I, L> Phases<I, L>
where
    I: Future<Output = Result<L, ExitReason>>,
    L: Future<Output = ExitReason>,
{
    /// Polls the first phase, and no more than that. `Ready`: the process is not to go on.
    pub(crate) fn poll_start(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        if let Phase::Start { start } = self.as_mut().project() {
            match ready!(start.poll(cx)) {
                Ok(run) => self.set(Self::Run { run }),
                Err(reason) => return Poll::Ready(reason),
            }
        }
        Poll::Pending
    }

    /// Polls the phase that it is in, and the next one at once behind the first.
    pub(crate) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        if let Phase::Run { run } = self.as_mut().project() {
            return run.poll(cx);
        }
        if let Poll::Ready(reason) = self.as_mut().poll_start(cx) {
            return Poll::Ready(reason);
        }
        match self.project() {
            Phase::Run { run } => run.poll(cx),
            Phase::Start { .. } | Phase::Over => Poll::Pending,
        }
    }
}
