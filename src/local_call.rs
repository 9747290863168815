//! `LocalCall`: a call whose reply stays on its node.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use noex_core::codec::Local;
use noex_gen_server::{Call, CallError, Dest, GenServer, ReplyTo};
use tokio::time::Instant;

/// One call of a [`#[noex::server(local)]`](macro@crate::server) on its way: a [`Call`] whose
/// reply can be anything, and stays on its node.
#[must_use = "a call does nothing unless it is awaited"]
pub struct LocalCall<S: GenServer, R: Send + 'static, D, F>(Call<S, Local<R>, D, F>);

impl<S, R, D, F> LocalCall<S, R, D, F>
where
    S: GenServer,
    R: Send + 'static,
    D: Dest<S>,
    F: FnOnce(ReplyTo<Local<R>>) -> S::Call,
{
    /// Waits for at most `timeout`, in the place of 5 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.timeout(timeout))
    }

    /// Ends at `deadline` at the latest, as [`Call::deadline`].
    pub fn deadline(self, deadline: Option<Instant>) -> Self {
        Self(self.0.deadline(deadline))
    }

    /// As [`Call::fail_on_deadlock`].
    pub fn fail_on_deadlock(self) -> Self {
        Self(self.0.fail_on_deadlock())
    }
}

impl<S: GenServer, R: Send + 'static, D, F> From<Call<S, Local<R>, D, F>>
    for LocalCall<S, R, D, F>
{
    fn from(call: Call<S, Local<R>, D, F>) -> Self {
        Self(call)
    }
}

impl<S, R, D, F> Future for LocalCall<S, R, D, F>
where
    S: GenServer,
    R: Send + 'static,
    D: Dest<S>,
    F: FnOnce(ReplyTo<Local<R>>) -> S::Call,
{
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(|Local(reply)| reply)
    }
}

impl<S: GenServer, R: Send + 'static, D, F> fmt::Debug for LocalCall<S, R, D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalCall").field(&self.0).finish()
    }
}
