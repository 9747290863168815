//! `Patience`: how long a call waits, and what else ends it.

use std::task::{Poll, Waker};
use std::time::Duration;

use noex_core::call::{CallGuard, Parties, ReplyFuture, Wait};
use noex_core::{CallError, LocalNode, ReplyTo};
use tokio::time::Instant;

/// How long a call waits unless told otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// How long a call waits: for a time of its own, and no longer than a deadline that it inherits.
/// It may also end where it could never be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    timeout: Duration,
    /// Once the call has begun, only if it comes before the call's own time is over.
    inherited: Option<Instant>,
    fail_on_deadlock: bool,
}

impl Patience {
    pub(crate) const DEFAULT: Self = Self {
        timeout: TIMEOUT_DEFAULT,
        inherited: None,
        fail_on_deadlock: false,
    };

    pub(crate) const fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    pub(crate) const fn inherit(&mut self, deadline: Option<Instant>) {
        self.inherited = deadline;
    }

    pub(crate) const fn fail_on_deadlock(&mut self) {
        self.fail_on_deadlock = true;
    }

    /// The call begins.
    ///
    /// # Errors
    /// [`CallError::DeadlineInherited`] if its time is over already.
    #[inline]
    pub(crate) fn begin(&mut self) -> Result<(), CallError> {
        match self.inherited {
            None => Ok(()),
            Some(deadline) => self.begin_before(deadline),
        }
    }

    #[cold]
    fn begin_before(&mut self, deadline: Instant) -> Result<(), CallError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(CallError::DeadlineInherited);
        }
        if left < self.timeout {
            self.timeout = left;
        } else {
            self.inherited = None;
        }
        Ok(())
    }

    /// So much of its time is over.
    pub(crate) const fn pass(&mut self, time: Duration) {
        self.timeout = self.timeout.saturating_sub(time);
    }

    /// How long a call that begins waits.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The two ends of a call that begins: see [`ReplyFuture::between`].
    #[inline]
    pub(crate) fn open<R: Send + 'static>(
        &self,
        parties: Parties,
        node: &LocalNode,
        caller: &Waker,
    ) -> (ReplyFuture<R>, ReplyTo<R>, CallGuard) {
        let parties = parties.fail_on_deadlock(self.fail_on_deadlock);
        let wait = match self.inherited {
            None => Wait::For(self.timeout),
            Some(deadline) => Wait::Until(deadline),
        };
        ReplyFuture::between(parties, node, wait, caller)
    }

    /// The outcome of a call, which says whose time it was that is over.
    #[inline]
    pub(crate) fn explain<R>(
        &self,
        outcome: Poll<Result<R, CallError>>,
    ) -> Poll<Result<R, CallError>> {
        match outcome {
            Poll::Ready(Err(CallError::Timeout)) if self.inherited.is_some() => {
                Poll::Ready(Err(CallError::DeadlineInherited))
            }
            outcome => outcome,
        }
    }
}
