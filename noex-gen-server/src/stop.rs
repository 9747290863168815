//! `Stop`: ends a server in order and waits for its end.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use noex_core::call::ReplyFuture;
use noex_core::process::Process;
use noex_core::{CallError, ExitReason, LocalNode, RouteError, Signal, Target};
use tokio::time::timeout;

use crate::{Address, Dest, GenServer, Request};

/// How long a stop waits unless told otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// Asks a server to end, behind what it was sent before, and waits until it has; made by
/// [`GenServer::stop`].
///
/// # Errors
/// [`CallError::NoProcess`] if it had ended already; [`CallError::CallingSelf`] within the server
/// itself, which stops by [`Flow::Stop`](crate::Flow::Stop); [`CallError::Timeout`] if it has not
/// ended in time (5 s unless told otherwise): it was asked and may end yet.
#[must_use = "nothing is stopped unless this is awaited"]
pub struct Stop<S, D> {
    to: D,
    reason: ExitReason,
    timeout: Duration,
    waiting: Waiting,
    server: PhantomData<fn() -> S>,
}

enum Waiting {
    /// Nobody was asked yet.
    No,
    Here(ReplyFuture<ExitReason>),
    There(Pin<Box<dyn Future<Output = Result<(), CallError>> + Send>>),
}

/// Nothing in it is ever pinned.
impl<S, D> Unpin for Stop<S, D> {}

impl<S: GenServer, D: Dest<S>> Stop<S, D> {
    pub(crate) const fn new(to: D) -> Self {
        Self {
            to,
            reason: ExitReason::Normal,
            timeout: TIMEOUT_DEFAULT,
            waiting: Waiting::No,
            server: PhantomData,
        }
    }

    /// The reason to end with; [`ExitReason::Normal`] unless given.
    pub fn reason(mut self, reason: ExitReason) -> Self {
        self.reason = reason;
        self
    }

    /// How long to wait for the end.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks the server to end.
    fn ask(&self, caller: &Waker) -> Result<Waiting, CallError> {
        if let Some(process) = self.to.held() {
            return self.ask_process(process, caller);
        }
        match self.to.resolve()? {
            Address::Local(process) => self.ask_process(&process, caller),
            Address::Remote { node, target } => {
                let (reason, patience) = (self.reason.clone(), self.timeout);
                Ok(Waiting::There(Box::pin(async move {
                    stop_there(node, target, reason, patience).await
                })))
            }
        }
    }

    fn ask_process(
        &self,
        process: &Process<Request<S>>,
        caller: &Waker,
    ) -> Result<Waiting, CallError> {
        if process.is_current() {
            return Err(CallError::CallingSelf);
        }
        let ended = process.stop(self.reason.clone(), self.timeout, caller);
        Ok(Waiting::Here(ended))
    }
}

async fn stop_there(
    node: LocalNode,
    target: Target,
    reason: ExitReason,
    patience: Duration,
) -> Result<(), CallError> {
    let Target::Process(pid) = target else {
        return Err(CallError::NoProcess);
    };
    let ended = node.ended(pid);
    let sent = match node.send(&Target::Process(pid), Signal::Stop { reason }) {
        Ok(()) => true,
        // The monitor was not sent either: it tells whether that life is over.
        Err(RouteError::NoConnection) => false,
        Err(error) => return Err(error.into()),
    };
    match timeout(patience, ended).await {
        Ok(ExitReason::NoProcess) => Err(CallError::NoProcess),
        Ok(ExitReason::NoConnection) => Err(CallError::NoConnection { sent }),
        Ok(_ended) => Ok(()),
        Err(_elapsed) => Err(CallError::Timeout),
    }
}

impl<S: GenServer, D: Dest<S>> Future for Stop<S, D> {
    type Output = Result<(), CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if matches!(this.waiting, Waiting::No) {
            this.waiting = this.ask(cx.waker())?;
        }
        match &mut this.waiting {
            Waiting::No => Poll::Pending,
            Waiting::There(stopped) => stopped.as_mut().poll(cx),
            Waiting::Here(ended) => Pin::new(ended).poll(cx).map(|ended| match ended? {
                ExitReason::NoProcess => Err(CallError::NoProcess),
                _ended => Ok(()),
            }),
        }
    }
}

impl<S, D> fmt::Debug for Stop<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
