//! `BlockingServer`: what you implement to define a server with a thread of its own.

use std::any::{Any, type_name};

use noex_core::mailbox::Info;
use noex_core::{ExitReason, Wire};

use super::OnThread;
use crate::{Context, Flow, GenServer, Start};

/// What a server with a thread of its own may do as a process.
pub type BlockingContext<B> = Context<OnThread<B>>;

/// A server whose callbacks run on a thread of their own, where they may block or compute for
/// long. To all others it is a [`GenServer`]: references, calls, names, links, stop and timers are
/// the same, and it is supervised like one. Its state never leaves its thread, so it need not be
/// `Send`.
///
/// Each server takes a thread, so this is for few of them: a database without an async client, a
/// device, a solver. A kill takes effect at once for everybody else, while the thread first ends
/// the callback that it is in: no thread can be stopped from outside.
///
/// # Examples
/// ```
/// use noex_core::{ExitReason, LocalNode, ReplyTo};
/// use noex_gen_server::Flow;
/// use noex_gen_server::blocking::{BlockingContext, BlockingServer};
///
/// struct Primes;
///
/// impl BlockingServer for Primes {
///     type Args = ();
///     type Call = (u64, ReplyTo<bool>);
///     type Cast = ();
///
///     fn init((): (), _cx: &mut BlockingContext<Self>) -> Result<Self, ExitReason> {
///         Ok(Self)
///     }
///
///     fn handle_call(&mut self, call: Self::Call, _cx: &mut BlockingContext<Self>) -> Flow {
///         let (number, reply) = call;
///         reply.send((2..number).all(|divisor| number % divisor != 0));
///         Flow::Continue
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let primes = Primes::start(()).on(&node).await?;
/// assert!(primes.call(|reply| (10_007, reply)).await?);
/// primes.stop().await?;
/// # Ok(())
/// # }
/// ```
pub trait BlockingServer: Sized + 'static {
    /// What a new server is made from.
    type Args: Send + 'static;
    /// What it can be asked, as with a [`GenServer`].
    type Call: Wire;
    /// What it can be told, as with a [`GenServer`].
    type Cast: Wire;

    /// Makes the state, on the new thread.
    ///
    /// # Errors
    /// With an error the server does not start; its starter gets the reason.
    fn init(args: Self::Args, cx: &mut BlockingContext<Self>) -> Result<Self, ExitReason>;

    /// As [`GenServer::handle_call`].
    fn handle_call(&mut self, call: Self::Call, cx: &mut BlockingContext<Self>) -> Flow;

    /// As [`GenServer::handle_cast`].
    fn handle_cast(&mut self, cast: Self::Cast, cx: &mut BlockingContext<Self>) -> Flow {
        drop(cast);
        let pid = cx.pid();
        tracing::warn!(%pid, server = type_name::<Self>(), "a cast is not handled; dropped");
        Flow::Continue
    }

    /// As [`GenServer::handle_info`].
    fn handle_info(&mut self, info: Info, cx: &mut BlockingContext<Self>) -> Flow {
        let pid = cx.pid();
        tracing::debug!(%pid, server = type_name::<Self>(), ?info, "not handled; dropped");
        Flow::Continue
    }

    /// As [`GenServer::handle_continue`].
    fn handle_continue(
        &mut self,
        value: Box<dyn Any + Send>,
        cx: &mut BlockingContext<Self>,
    ) -> Flow {
        drop(value);
        let pid = cx.pid();
        tracing::warn!(%pid, server = type_name::<Self>(), "continue is not handled; dropped");
        Flow::Continue
    }

    /// As [`GenServer::terminate`].
    fn terminate(&mut self, reason: &ExitReason, cx: &mut BlockingContext<Self>) {
        let _unused = (reason, cx);
    }

    /// As [`GenServer::describe`].
    #[must_use]
    fn describe(&self) -> Option<String> {
        None
    }

    /// As [`GenServer::protocol`].
    #[must_use]
    fn protocol() -> &'static str {
        type_name::<Self>()
    }

    /// As [`GenServer::start`]. By a name or pid it is called with `OnThread::<B>::call`.
    fn start(args: Self::Args) -> Start<OnThread<Self>> {
        <OnThread<Self> as GenServer>::start(args)
    }

    /// As [`GenServer::start_link`].
    fn start_link(args: Self::Args) -> Start<OnThread<Self>> {
        <OnThread<Self> as GenServer>::start_link(args)
    }
}
