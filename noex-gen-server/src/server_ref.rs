//! `ServerRef`: a pid that knows its server's type.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use noex_core::node::Ended;
use noex_core::process::Process;
use noex_core::{ExitReason, LocalNode, Pid, ReplyTo, Wire};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Call, CastError, CastWait, GenServer, Request, Stop};

/// A pid that knows its server's type; cheap to clone. It travels as the pid.
///
/// It does not keep the server alive, and nothing is wrong with one that outlives it: calls then
/// fail with [`CallError::NoProcess`](noex_core::CallError::NoProcess).
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer, ServerRef};
/// # use serde::{Deserialize, Serialize};
/// # struct Counter(u64);
/// # #[derive(Serialize, Deserialize)]
/// # enum CounterCall { Get(ReplyTo<u64>) }
/// # impl GenServer for Counter {
/// #     type Args = u64;
/// #     type Call = CounterCall;
/// #     type Cast = u64;
/// #     async fn init(start: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
/// #         Ok(Self(start))
/// #     }
/// #     async fn handle_call(&mut self, call: CounterCall, _: &mut Context<Self>) -> Flow {
/// #         let CounterCall::Get(reply) = call;
/// #         reply.send(self.0);
/// #         Flow::Continue
/// #     }
/// #     async fn handle_cast(&mut self, add: u64, _: &mut Context<Self>) -> Flow {
/// #         self.0 += add;
/// #         Flow::Continue
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let counter: ServerRef<Counter> = Counter::start(40).on(&node).await?;
/// counter.cast(2)?;
/// assert_eq!(counter.call(CounterCall::Get).await?, 42);
/// counter.stop().await?;
/// assert!(counter.cast(1).is_err());
/// # Ok(())
/// # }
/// ```
pub struct ServerRef<S: GenServer> {
    pid: Pid,
    /// The process itself, if it is of this node.
    process: Option<Arc<Process<Request<S>>>>,
}

impl<S: GenServer> ServerRef<S> {
    pub(crate) fn local(process: Arc<Process<Request<S>>>) -> Self {
        Self {
            pid: process.pid(),
            process: Some(process),
        }
    }

    /// A reference to the server `pid`, here or on another node, that is held to be an `S`. If it
    /// is not, calls fail with [`CallError::WrongServer`](noex_core::CallError::WrongServer).
    #[must_use]
    pub fn from_pid(pid: Pid) -> Self {
        let node = LocalNode::current();
        Self {
            pid,
            process: node.and_then(|node| node.find(pid).ok()),
        }
    }

    /// The server's pid.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// As [`GenServer::call`].
    pub fn call<R, F>(&self, make: F) -> Call<S, R, &Self, F>
    where
        R: Wire,
        F: FnOnce(ReplyTo<R>) -> S::Call,
    {
        S::call(self, make)
    }

    /// As [`GenServer::cast`].
    ///
    /// # Errors
    /// [`CastError`]; the message was not queued.
    pub fn cast(&self, message: S::Cast) -> Result<(), CastError<S::Cast>> {
        S::cast(self, message)
    }

    /// As [`GenServer::cast_wait`].
    pub fn cast_wait(&self, message: S::Cast) -> CastWait<S, &Self> {
        S::cast_wait(self, message)
    }

    /// As [`GenServer::stop`].
    pub fn stop(&self) -> Stop<S, &Self> {
        S::stop(self)
    }

    /// Waits until the server has ended; its reason is then the output, as for
    /// [`LocalNode::ended`]. A reference to a server of this node that was made while it ran tells
    /// the reason also if it has ended since.
    ///
    /// # Cancel safety
    /// It only looks.
    pub fn ended(&self) -> Ended {
        match (&self.process, LocalNode::current()) {
            (Some(process), _) => process.ended(),
            (None, Some(node)) => node.ended(self.pid),
            (None, None) => Ended::known(ExitReason::NoConnection),
        }
    }

    pub(crate) const fn process(&self) -> Option<&Arc<Process<Request<S>>>> {
        self.process.as_ref()
    }
}

impl<S: GenServer> Clone for ServerRef<S> {
    fn clone(&self) -> Self {
        Self {
            pid: self.pid,
            process: self.process.clone(),
        }
    }
}

impl<S: GenServer> PartialEq for ServerRef<S> {
    fn eq(&self, other: &Self) -> bool {
        self.pid == other.pid
    }
}

impl<S: GenServer> Eq for ServerRef<S> {}

impl<S: GenServer> Hash for ServerRef<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pid.hash(state);
    }
}

impl<S: GenServer> From<ServerRef<S>> for Pid {
    fn from(server: ServerRef<S>) -> Self {
        server.pid
    }
}

impl<S: GenServer> From<&ServerRef<S>> for Pid {
    fn from(server: &ServerRef<S>) -> Self {
        server.pid
    }
}

impl<S: GenServer> fmt::Debug for ServerRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerRef({})", self.pid)
    }
}

impl<S: GenServer> Serialize for ServerRef<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.pid.serialize(serializer)
    }
}

impl<'de, S: GenServer> Deserialize<'de> for ServerRef<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pid::deserialize(deserializer).map(Self::from_pid)
    }
}
