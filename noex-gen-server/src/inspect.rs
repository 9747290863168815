//! Looking at a server while it runs: what `noex_core::inspect` offers, on a reference.

use std::any::{Any, type_name};
use std::fmt;
use std::sync::Arc;

use noex_core::inspect::{MessageKind, Nature, ProcessInfo};
use noex_core::process::Process;
use noex_core::{CallError, LocalNode, Pid};

use crate::{GenServer, Request, ServerRef};

/// A server of this node, to be looked at; made by [`ServerRef::inspect`].
///
/// # Examples
/// ```
/// use noex_core::inspect::Status;
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
///
/// struct Counter(u64);
///
/// impl GenServer for Counter {
///     type Args = u64;
///     type Call = ReplyTo<u64>;
///     type Cast = u64;
///     # async fn init(start: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
///     #     Ok(Self(start))
///     # }
///     # async fn handle_call(&mut self, reply: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
///     #     reply.send(self.0);
///     #     Flow::Continue
///     # }
///
///     async fn handle_cast(&mut self, add: u64, _: &mut Context<Self>) -> Flow {
///         self.0 += add;
///         Flow::Continue
///     }
///
///     fn describe(&self) -> Option<String> {
///         Some(format!("{} so far", self.0))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let counter = Counter::start(40).on(&node).await?;
/// counter.inspect().suspend();
/// counter.cast(2)?;
/// let info = counter.inspect().info().ok_or("it has ended")?;
/// assert_eq!((info.status, info.mailbox.len), (Status::Suspended, 1));
/// assert_eq!(counter.inspect().state().await?.as_deref(), Some("40 so far"));
/// counter.inspect().resume();
/// assert_eq!(counter.call(|reply| reply).await?, 42);
/// # Ok(())
/// # }
/// ```
pub struct Inspect<'a, S: GenServer>(Option<&'a Arc<Process<Request<S>>>>);

impl<S: GenServer> ServerRef<S> {
    /// Looks at the server while it runs, and holds it up. Nothing is seen of one that has ended
    /// or is of another node.
    #[must_use]
    pub fn inspect(&self) -> Inspect<'_, S> {
        Inspect(self.process())
    }
}

impl<S: GenServer> Inspect<'_, S> {
    /// As [`LocalNode::process_info`].
    #[must_use]
    pub fn info(&self) -> Option<ProcessInfo> {
        let (node, pid) = self.place()?;
        node.process_info(pid)
    }

    /// What [`GenServer::describe`] tells of the state, within 5 s; `None` if it tells nothing.
    /// The question goes ahead of the mailbox: see [`LocalNode::process_state`].
    ///
    /// # Errors
    /// As [`ProcessState`](noex_core::inspect::ProcessState).
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answer.
    pub async fn state(&self) -> Result<Option<String>, CallError> {
        let (node, pid) = self.place().ok_or(CallError::NoProcess)?;
        node.process_state(pid).await
    }

    /// As [`LocalNode::suspend`].
    #[expect(
        clippy::must_use_candidate,
        reason = "what it does counts more than what it tells"
    )]
    pub fn suspend(&self) -> bool {
        self.place().is_some_and(|(node, pid)| node.suspend(pid))
    }

    /// As [`LocalNode::resume`].
    #[expect(clippy::must_use_candidate, reason = "as above")]
    pub fn resume(&self) -> bool {
        self.place().is_some_and(|(node, pid)| node.resume(pid))
    }

    /// As [`LocalNode::trace`].
    #[expect(clippy::must_use_candidate, reason = "as above")]
    pub fn trace(&self, on: bool) -> bool {
        self.place().is_some_and(|(node, pid)| node.trace(pid, on))
    }

    fn place(&self) -> Option<(&LocalNode, Pid)> {
        self.0.map(|process| (process.node(), process.pid()))
    }
}

impl<S: GenServer> fmt::Debug for Inspect<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inspect").field(&self.0).finish()
    }
}

/// What those see who look at an `S`.
pub(crate) const fn nature<S: GenServer>() -> &'static Nature {
    const { &Nature::server(type_name::<S>, kind_of::<S>) }
}

fn kind_of<S: GenServer>(message: &dyn Any) -> MessageKind {
    match message.downcast_ref() {
        Some(Request::<S>::Call(..)) => MessageKind::Call,
        Some(Request::<S>::Cast(_)) => MessageKind::Cast,
        None => MessageKind::Message,
    }
}
