//! `Agent`: a state that others read and change by functions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use noex_core::{CallError, ExitReason, Local, ReplyTo};
use tokio::time::Instant;

use crate::{Call, CastError, Context, Dest, Flow, GenServer, Start};

/// A state that others read and change by functions, where a [`GenServer`] would be too much.
///
/// It is a server, so it has a name, links and a supervisor like one. The functions run in it, one
/// after the other, and can't leave the node: from another one, calls fail with
/// [`CallError::LocalOnly`]. A function that panics ends the agent.
///
/// # Examples
/// ```
/// use noex_core::LocalNode;
/// use noex_gen_server::Agent;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let words = Agent::start(Vec::<String>::new).name("words").on(&node).await?;
/// Agent::update(&words, |words| words.push("one".into())).await?;
/// Agent::cast(&words, |words| words.push("two".into()))?;
/// assert_eq!(Agent::get(&words, Vec::len).await?, 2);
/// let last = Agent::get_and_update(&words, Vec::pop).await?;
/// assert_eq!(last.as_deref(), Some("two"));
/// words.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct Agent<T>(T);

/// A function on its way to an [`Agent`].
pub type AgentWork<T> = Local<Box<dyn FnOnce(&mut T) + Send>>;

/// Makes the first state of an [`Agent`].
pub type AgentInit<T> = Box<dyn FnOnce() -> T + Send>;

type Make<T, R> = Box<dyn FnOnce(ReplyTo<Local<R>>) -> AgentWork<T> + Send>;

impl<T: Send + 'static> Agent<T> {
    /// Starts an agent with the state that `init` makes, within the new process.
    pub fn start(init: impl FnOnce() -> T + Send + 'static) -> Start<Self> {
        <Self as GenServer>::start(Box::new(init))
    }

    /// As [`start`](Self::start), linked with the calling process.
    pub fn start_link(init: impl FnOnce() -> T + Send + 'static) -> Start<Self> {
        <Self as GenServer>::start_link(Box::new(init))
    }

    /// What `read` makes of the state.
    pub fn get<R, D>(agent: D, read: impl FnOnce(&T) -> R + Send + 'static) -> AgentCall<T, R, D>
    where
        R: Send + 'static,
        D: Dest<Self>,
    {
        Self::get_and_update(agent, |state| read(state))
    }

    /// Changes the state, and waits until that is done.
    pub fn update<D>(agent: D, change: impl FnOnce(&mut T) + Send + 'static) -> AgentCall<T, (), D>
    where
        D: Dest<Self>,
    {
        Self::get_and_update(agent, change)
    }

    /// Changes the state; what `change` gives back.
    pub fn get_and_update<R, D>(
        agent: D,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> AgentCall<T, R, D>
    where
        R: Send + 'static,
        D: Dest<Self>,
    {
        let make: Make<T, R> =
            Box::new(move |reply| Local(Box::new(move |state| reply.send(Local(change(state))))));
        AgentCall {
            call: <Self as GenServer>::call(agent, make),
        }
    }

    /// Changes the state; nobody waits for it.
    ///
    /// # Errors
    /// As [`GenServer::cast`]; the state does not change.
    pub fn cast<D: Dest<Self>>(
        agent: D,
        change: impl FnOnce(&mut T) + Send + 'static,
    ) -> Result<(), CastError<AgentWork<T>>> {
        <Self as GenServer>::cast(agent, Local(Box::new(change)))
    }
}

impl<T: Send + 'static> GenServer for Agent<T> {
    type Args = AgentInit<T>;
    type Call = AgentWork<T>;
    type Cast = AgentWork<T>;

    async fn init(init: AgentInit<T>, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(init()))
    }

    async fn handle_call(&mut self, work: AgentWork<T>, _cx: &mut Context<Self>) -> Flow {
        work.0(&mut self.0);
        Flow::Continue
    }

    async fn handle_cast(&mut self, work: AgentWork<T>, _cx: &mut Context<Self>) -> Flow {
        work.0(&mut self.0);
        Flow::Continue
    }
}

/// A state need not be printable.
impl<T> fmt::Debug for Agent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agent")
    }
}

/// One call of an [`Agent`] on its way; it fails and is given up as a [`Call`].
#[must_use = "a call does nothing unless it is awaited"]
pub struct AgentCall<T: Send + 'static, R: Send + 'static, D> {
    call: Call<Agent<T>, Local<R>, D, Make<T, R>>,
}

impl<T: Send + 'static, R: Send + 'static, D: Dest<Agent<T>>> AgentCall<T, R, D> {
    /// Waits for at most `timeout`, in the place of 5 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self {
            call: self.call.timeout(timeout),
        }
    }

    /// Ends at `deadline` at the latest, as [`Call::deadline`].
    pub fn deadline(self, deadline: Option<Instant>) -> Self {
        Self {
            call: self.call.deadline(deadline),
        }
    }

    /// As [`Call::fail_on_deadlock`].
    pub fn fail_on_deadlock(self) -> Self {
        Self {
            call: self.call.fail_on_deadlock(),
        }
    }
}

impl<T: Send + 'static, R: Send + 'static, D: Dest<Agent<T>>> Future for AgentCall<T, R, D> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.call).poll(cx);
        polled.map(|outcome| outcome.map(|Local(reply)| reply))
    }
}

impl<T: Send + 'static, R: Send + 'static, D> fmt::Debug for AgentCall<T, R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}
