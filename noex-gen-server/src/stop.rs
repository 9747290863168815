//! `Stop`: ends a server in order and waits for its end.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use noex_core::process::current_pid;
use noex_core::{CallError, ExitReason, LocalNode, Pid, RouteError, Signal, Target};
use tokio::time::timeout;

use crate::{Address, Dest, GenServer};

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
    server: PhantomData<fn() -> S>,
}

impl<S: GenServer, D: Dest<S>> Stop<S, D> {
    pub(crate) const fn new(to: D) -> Self {
        Self {
            to,
            reason: ExitReason::Normal,
            timeout: TIMEOUT_DEFAULT,
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

    fn target(&self) -> Result<(LocalNode, Pid), CallError> {
        match self.to.resolve()? {
            Address::Local(process) if current_pid() == Some(process.pid()) => {
                Err(CallError::CallingSelf)
            }
            Address::Local(process) => Ok((process.node().clone(), process.pid())),
            Address::Remote {
                node,
                target: Target::Process(pid),
            } => Ok((node, pid)),
            Address::Remote { .. } => Err(CallError::NoProcess),
        }
    }
}

impl<S: GenServer, D: Dest<S>> IntoFuture for Stop<S, D> {
    type Output = Result<(), CallError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let target = self.target();
        let (reason, patience) = (self.reason, self.timeout);
        Box::pin(async move {
            let (node, pid) = target?;
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
        })
    }
}

impl<S, D> fmt::Debug for Stop<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
