//! `GenServer`: what you implement to define a server.

use std::any::{Any, type_name};
use std::future::Future;

use noex_core::mailbox::Info;
use noex_core::{ExitReason, ReplyTo, Wire};

use crate::{Accepted, At, Call, CastError, Context, Dest, Flow, Start, Stop, cast};

/// A server: a process with a state, which handles one message after the other.
///
/// A panic in a callback ends this server alone; its callers learn the reason at once.
///
/// # Examples
/// ```
/// use noex_core::{ExitReason, LocalNode, ReplyTo};
/// use noex_gen_server::{Context, Flow, GenServer};
/// use serde::{Deserialize, Serialize};
///
/// struct Counter(u64);
///
/// #[derive(Serialize, Deserialize)]
/// enum CounterCall {
///     Get(ReplyTo<u64>),
/// }
///
/// impl GenServer for Counter {
///     type Args = u64;
///     type Call = CounterCall;
///     type Cast = u64;
///
///     async fn init(start: u64, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
///         Ok(Self(start))
///     }
///
///     async fn handle_call(&mut self, call: CounterCall, _cx: &mut Context<Self>) -> Flow {
///         match call {
///             CounterCall::Get(reply) => reply.send(self.0),
///         }
///         Flow::Continue
///     }
///
///     async fn handle_cast(&mut self, add: u64, _cx: &mut Context<Self>) -> Flow {
///         self.0 += add;
///         Flow::Continue
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let counter = Counter::start(40).on(&node).await?;
/// GenServer::cast(&counter, 2)?;
/// assert_eq!(GenServer::call(&counter, CounterCall::Get).await?, 42);
/// GenServer::stop(&counter).await?;
/// # Ok(())
/// # }
/// ```
pub trait GenServer: Sized + Send + 'static {
    /// What a new server is made from.
    type Args: Send + 'static;
    /// What it can be asked: an enum, each variant of which carries the [`ReplyTo`] of its own
    /// reply type.
    type Call: Wire;
    /// What it can be told.
    type Cast: Wire;

    /// Makes the state. Nobody reaches the server before this is done.
    ///
    /// # Errors
    /// With an error the server does not start; its starter gets the reason.
    fn init(
        args: Self::Args,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<Self, ExitReason>> + Send;

    /// Handles a call. The reply goes to the call's [`ReplyTo`], now or later.
    fn handle_call(
        &mut self,
        call: Self::Call,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Flow> + Send;

    /// Handles a cast. A server without casts has `type Cast = ()` and leaves this out.
    fn handle_cast(
        &mut self,
        cast: Self::Cast,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Flow> + Send {
        drop(cast);
        let pid = cx.pid();
        async move {
            tracing::warn!(%pid, server = type_name::<Self>(), "a cast is not handled; dropped");
            Flow::Continue
        }
    }

    /// Handles anything else: the end of a monitored process, a trapped exit, a node event,
    /// a timer.
    fn handle_info(
        &mut self,
        info: Info,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Flow> + Send {
        let pid = cx.pid();
        async move {
            tracing::debug!(%pid, server = type_name::<Self>(), ?info, "not handled; dropped");
            Flow::Continue
        }
    }

    /// Handles what was given to [`Context::continue_with`], before the next message: what `init`
    /// or a handler wants done at once, but after its answer.
    ///
    /// The value has any type, as `Info::Other` has: an associated type would burden every server,
    /// since Rust has no default for it; and a cast would have to be able to travel.
    fn handle_continue(
        &mut self,
        value: Box<dyn Any + Send>,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Flow> + Send {
        drop(value);
        let pid = cx.pid();
        async move {
            tracing::warn!(%pid, server = type_name::<Self>(), "continue is not handled; dropped");
            Flow::Continue
        }
    }

    /// Runs last, when the server ends in order: asked to stop, by [`Flow::Stop`], or because its
    /// parent ended while it traps exits. It does not run after a panic or a kill.
    fn terminate(
        &mut self,
        reason: &ExitReason,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        let _unused = (reason, cx);
        async {}
    }

    /// The name under which other nodes know this type's messages: the type's path unless set.
    /// Set it to move a type between modules without breaking the wire.
    #[must_use]
    fn protocol() -> &'static str {
        type_name::<Self>()
    }

    /// The protocols whose messages it takes besides its own, each of which it
    /// [accepts](crate::Accepts).
    ///
    /// # Examples
    /// `const { &[Accepted::of::<dyn Store>(), Accepted::of::<dyn Audited>()] }`
    #[must_use]
    fn protocols() -> &'static [Accepted<Self>] {
        &[]
    }

    /// The server of this type at `to`: a pid, a name of this node or of another, or a name of a
    /// registry. With `#[noex::server]` it has the typed calls of a reference:
    /// `Counter::at("counter").get().await?`.
    fn at<D: Dest<Self>>(to: D) -> At<Self, D> {
        At::new(to)
    }

    /// Starts a server on the current node; the future is ready when [`init`](Self::init) is.
    fn start(args: Self::Args) -> Start<Self> {
        Start::new(args)
    }

    /// As [`start`](Self::start), linked with the calling process; outside of any process there is
    /// nobody to link with.
    fn start_link(args: Self::Args) -> Start<Self> {
        Start::new(args).link()
    }

    /// Sends the request that `make` builds and waits for its reply, for 5 s unless
    /// [told otherwise](Call::timeout). `to` is a reference, a pid or a name.
    ///
    /// # Delivery
    /// At most once. After an error the server may have handled the request, unless
    /// [`CallError::is_not_executed`](noex_core::CallError::is_not_executed) says no.
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up. A request that is still queued is skipped.
    fn call<R, D, F>(to: D, make: F) -> Call<Self, R, D, F>
    where
        R: Wire,
        D: Dest<Self>,
        F: FnOnce(ReplyTo<R>) -> Self::Call,
    {
        Call::new(to, make)
    }

    /// Sends `message`; nobody waits for anything.
    ///
    /// # Delivery
    /// At most once, behind what the same process sent before. `Ok` says that the message was
    /// queued, not that it was handled.
    ///
    /// # Errors
    /// [`CastError`], with the message where it can be given back; it was not queued.
    fn cast<D: Dest<Self>>(to: D, message: Self::Cast) -> Result<(), CastError<Self::Cast>> {
        cast::send::<Self, D>(&to, message)
    }

    /// Asks the server to end, behind what it was sent before, and waits until it has.
    fn stop<D: Dest<Self>>(to: D) -> Stop<Self, D> {
        Stop::new(to)
    }
}
