//! `CallMany`: the same call to many servers on its way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use noex_core::{CallError, Pid, ReplyTo, Wire};
use tokio::time::Instant;

use crate::joint::Joint;
use crate::patience::Patience;
use crate::{Call, DestMany, GenServer};

/// What came of a call to many servers, in the order in which they were addressed.
///
/// # Examples
/// ```
/// use noex_core::{CallError, Creation, Pid};
/// use noex_gen_server::Answers;
///
/// let pid = |serial| Pid::new(Creation::from_bits(1), serial);
/// let outcomes = [(pid(1), Ok(7)), (pid(2), Err(CallError::NoProcess)), (pid(3), Ok(9))];
/// let answers: Answers<u64> = outcomes.into_iter().collect();
/// assert_eq!(answers.replies, [(pid(1), 7), (pid(3), 9)]);
/// assert_eq!(answers.failures, [(pid(2), CallError::NoProcess)]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers<R> {
    /// Who replied, and what.
    pub replies: Vec<(Pid, R)>,
    /// Who did not, and why. [`CallError::WrongServer`] if it is a server of another type.
    pub failures: Vec<(Pid, CallError)>,
}

/// The same call to many servers on its way; made by [`GenServer::call_many`]. It is sent when it
/// is first polled, and ends when the last of them has answered or failed.
///
/// # Errors
/// [`CallError::NoNode`] if there is no node to find the servers on; nothing was sent. What comes
/// of each call is in [`Answers`].
///
/// # Cancel safety
/// Dropping it gives up the calls that are not answered.
#[must_use = "a call does nothing unless it is awaited"]
pub struct CallMany<S, R, M, F>
where
    S: GenServer,
    R: Send + 'static,
    M: DestMany<S>,
{
    state: State<S, R, M, F>,
    patience: Patience,
}

enum State<S, R, M, F>
where
    S: GenServer,
    R: Send + 'static,
    M: DestMany<S>,
{
    Made { to: M, make: F },
    Sent(Joint<Pid, Call<S, R, M::Each, F>, R>),
    Over,
}

/// Nothing in it is ever pinned.
impl<S: GenServer, R: Send + 'static, M: DestMany<S>, F> Unpin for CallMany<S, R, M, F> {}

impl<S, R, M, F> CallMany<S, R, M, F>
where
    S: GenServer,
    R: Wire,
    M: DestMany<S>,
    F: FnOnce(ReplyTo<R>) -> S::Call + Clone,
{
    pub(crate) const fn new(to: M, make: F) -> Self {
        Self {
            state: State::Made { to, make },
            patience: Patience::DEFAULT,
        }
    }

    /// Waits for each of them for at most `timeout`, in the place of 5 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.patience.set_timeout(timeout);
        self
    }

    /// Each of the calls ends at `deadline` at the latest, as [`Call::deadline`].
    pub const fn deadline(mut self, deadline: Option<Instant>) -> Self {
        self.patience.inherit(deadline);
        self
    }

    /// As [`Call::fail_on_deadlock`].
    pub const fn fail_on_deadlock(mut self) -> Self {
        self.patience.fail_on_deadlock();
        self
    }
}

impl<S, R, M, F> Future for CallMany<S, R, M, F>
where
    S: GenServer,
    R: Wire,
    M: DestMany<S>,
    F: FnOnce(ReplyTo<R>) -> S::Call + Clone,
{
    type Output = Result<Answers<R>, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Made { to, make } = &self.state {
            let servers = to.resolve_many()?.into_iter();
            let calls = servers.map(|(pid, each)| {
                let call = S::call(each, make.clone());
                (pid, call.patience(self.patience))
            });
            self.state = State::Sent(Joint::new(calls));
        }
        let State::Sent(calls) = &mut self.state else {
            return Poll::Ready(Err(CallError::ReplyDropped));
        };
        let outcomes = ready!(calls.poll(cx));
        self.state = State::Over;
        Poll::Ready(Ok(outcomes.into_iter().collect()))
    }
}

impl<R> FromIterator<(Pid, Result<R, CallError>)> for Answers<R> {
    fn from_iter<I: IntoIterator<Item = (Pid, Result<R, CallError>)>>(outcomes: I) -> Self {
        let (mut replies, mut failures) = (Vec::new(), Vec::new());
        for (pid, outcome) in outcomes {
            match outcome {
                Ok(reply) => replies.push((pid, reply)),
                Err(error) => failures.push((pid, error)),
            }
        }
        Self { replies, failures }
    }
}

impl<S: GenServer, R: Send + 'static, M: DestMany<S>, F> fmt::Debug for CallMany<S, R, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallMany")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
