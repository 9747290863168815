//! `Patience`: how long a call waits.

use std::task::{Poll, Waker};
use std::time::Duration;

use noex_core::call::{CallGuard, ReplyFuture};
use noex_core::{CallError, LocalNode, ReplyTo};
use tokio::time::Instant;

/// How long a call waits unless told otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// How long a call waits: for a time of its own, and no longer than a deadline that it inherits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    timeout: Duration,
    /// Once the call has begun, only if it comes before the call's own time is over.
    inherited: Option<Instant>,
}

impl Patience {
    pub(crate) const DEFAULT: Self = Self {
        timeout: TIMEOUT_DEFAULT,
        inherited: None,
    };

    pub(crate) const fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    pub(crate) const fn inherit(&mut self, deadline: Option<Instant>) {
        self.inherited = deadline;
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

    /// How long a call that begins waits.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The two ends of a call that begins: see [`ReplyFuture::new`].
    #[inline]
    pub(crate) fn open<R: Send + 'static>(
        &self,
        node: &LocalNode,
        caller: &Waker,
    ) -> (ReplyFuture<R>, ReplyTo<R>, CallGuard) {
        match self.inherited {
            None => ReplyFuture::new(node, self.timeout, caller),
            Some(deadline) => ReplyFuture::until(node, deadline, caller),
        }
    }

    /// The outcome of a call, which says whose time it was that is over.
    #[inline]
    pub(crate) fn explain<R>(
        &self,
        mut outcome: Poll<Result<R, CallError>>,
    ) -> Poll<Result<R, CallError>> {
        if self.inherited.is_some()
            && let Poll::Ready(Err(error @ CallError::Timeout)) = &mut outcome
        {
            *error = CallError::DeadlineInherited;
        }
        outcome
    }
}
