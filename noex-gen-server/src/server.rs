//! `GenServer`: what you implement to define a server.

use std::any::{Any, type_name};
use std::future::Future;

use noex_core::mailbox::Info;
use noex_core::process::catch;
use noex_core::{CallError, ExitReason, ReplyTo, Wire};

use crate::cast_many::{self, Refused};
use crate::{
    Accepted, At, Call, CallMany, CastError, CastWait, Context, Dest, DestMany, Flow, Start, Stop,
    cast,
};

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
        tracing::warn!(%pid, server = type_name::<Self>(), "a cast is not handled; dropped");
        async { Flow::Continue }
    }

    /// Handles anything else: the end of a monitored process, a trapped exit, a node event,
    /// a timer.
    fn handle_info(
        &mut self,
        info: Info,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Flow> + Send {
        let pid = cx.pid();
        tracing::debug!(%pid, server = type_name::<Self>(), ?info, "not handled; dropped");
        // The future holds nothing: every server has room for the largest of its handlers'.
        async { Flow::Continue }
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
        tracing::warn!(%pid, server = type_name::<Self>(), "continue is not handled; dropped");
        async { Flow::Continue }
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

    /// What is told of the state to those who [look at it](crate::Inspect::state) while the server
    /// runs: text for people. Nothing unless this is written, or the server is a
    /// `#[noex::server(debug)]`: a state may hold what not everybody should see.
    #[must_use]
    fn describe(&self) -> Option<String> {
        None
    }

    /// Answers those who look, for a server whose state is not in `self`.
    #[doc(hidden)]
    fn show(&mut self, reply: ReplyTo<Option<String>>) -> impl Future<Output = Flow> + Send {
        // Who looks must not break what it looks at.
        let described = catch(|| self.describe());
        reply.send(described.unwrap_or_else(|panic| Some(format!("its description: {panic}"))));
        async { Flow::Continue }
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
    /// [`CallError::is_not_executed`] says no.
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

    /// As [`cast`](Self::cast), but waits while the mailbox of a server of this node is full: who
    /// produces faster than the server works is slowed down to its pace. Bound the wait by
    /// [`tokio::time::timeout`]. A server that casts to itself does not wait, and neither does a
    /// cast to another node.
    ///
    /// # Delivery
    /// At most once. `Ok` says that the message was queued, not that it was handled. What the same
    /// process sends while it waits goes ahead.
    ///
    /// # Errors
    /// The future's: [`CastError`], with the message where it can be given back.
    ///
    /// # Cancel safety
    /// Dropping the future before it is done drops the message: it was not queued.
    ///
    /// # Examples
    /// ```
    /// use noex_core::LocalNode;
    /// use noex_gen_server::GenServer;
    /// # use noex_core::{ExitReason, ReplyTo};
    /// # use noex_gen_server::{Context, Flow};
    /// # struct Counter(u64);
    /// # impl GenServer for Counter {
    /// #     type Args = u64;
    /// #     type Call = ReplyTo<u64>;
    /// #     type Cast = u64;
    /// #     async fn init(start: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
    /// #         Ok(Self(start))
    /// #     }
    /// #     async fn handle_call(&mut self, n: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
    /// #         n.send(self.0);
    /// #         Flow::Continue
    /// #     }
    /// #     async fn handle_cast(&mut self, add: u64, _: &mut Context<Self>) -> Flow {
    /// #         self.0 += add;
    /// #         Flow::Continue
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
    /// # let _inside = node.enter();
    /// let room = const { std::num::NonZeroUsize::new(10).expect("it is not zero") };
    /// let counter = Counter::start(0).mailbox_capacity(room).await?;
    /// for _ in 0..1_000 {
    ///     counter.cast_wait(1).await?;
    /// }
    /// assert_eq!(counter.call(|n| n).await?, 1_000);
    /// # Ok(())
    /// # }
    /// ```
    fn cast_wait<D: Dest<Self>>(to: D, message: Self::Cast) -> CastWait<Self, D> {
        CastWait::new(to, message)
    }

    /// Sends the request that `make` builds to each server in `to`, all at once, and waits until
    /// each has answered or failed, for 5 s unless [told otherwise](CallMany::timeout). `to` is a
    /// slice or vector of references or pids, or a group; its members are looked up when the
    /// future is first polled.
    ///
    /// # Delivery
    /// At most once to each, as with [`call`](Self::call).
    ///
    /// # Cancel safety
    /// Dropping the future gives up the calls that are not answered.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use noex_core::{CallError, LocalNode};
    /// use noex_gen_server::GenServer;
    /// # use noex_core::{ExitReason, ReplyTo};
    /// # use noex_gen_server::{Context, Flow};
    /// # struct Shard(u64);
    /// # impl GenServer for Shard {
    /// #     type Args = u64;
    /// #     type Call = ReplyTo<u64>;
    /// #     type Cast = ();
    /// #     async fn init(size: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
    /// #         Ok(Self(size))
    /// #     }
    /// #     async fn handle_call(&mut self, size: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
    /// #         size.send(self.0);
    /// #         Flow::Continue
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
    /// # let _inside = node.enter();
    /// let shards = [Shard::start(3).await?, Shard::start(4).await?];
    /// shards[1].stop().await?;
    /// let sizes = Shard::call_many(&shards, |size| size).timeout(Duration::from_secs(1)).await?;
    /// assert_eq!(sizes.replies, [(shards[0].pid(), 3)]);
    /// assert_eq!(sizes.failures, [(shards[1].pid(), CallError::NoProcess)]);
    /// # Ok(())
    /// # }
    /// ```
    fn call_many<R, M, F>(to: M, make: F) -> CallMany<Self, R, M, F>
    where
        R: Wire,
        M: DestMany<Self>,
        F: FnOnce(ReplyTo<R>) -> Self::Call + Clone,
    {
        CallMany::new(to, make)
    }

    /// Sends the message that `make` builds to each server in `to`; nobody waits for anything.
    /// Gives those that did not take it.
    ///
    /// A message is built for each of them, since not every message can be cloned.
    ///
    /// # Delivery
    /// As with [`cast`](Self::cast), to each.
    ///
    /// # Errors
    /// [`CallError::NoNode`] if there is no node to find the servers on; nothing was queued.
    ///
    /// # Examples
    /// ```
    /// use noex_core::LocalNode;
    /// use noex_gen_server::GenServer;
    /// # use noex_core::{ExitReason, ReplyTo};
    /// # use noex_gen_server::{Context, Flow};
    /// # struct Counter(u64);
    /// # impl GenServer for Counter {
    /// #     type Args = u64;
    /// #     type Call = ReplyTo<u64>;
    /// #     type Cast = u64;
    /// #     async fn init(start: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
    /// #         Ok(Self(start))
    /// #     }
    /// #     async fn handle_call(&mut self, n: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
    /// #         n.send(self.0);
    /// #         Flow::Continue
    /// #     }
    /// #     async fn handle_cast(&mut self, add: u64, _: &mut Context<Self>) -> Flow {
    /// #         self.0 += add;
    /// #         Flow::Continue
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
    /// # let _inside = node.enter();
    /// let counters = [Counter::start(0).await?, Counter::start(40).await?];
    /// for (pid, error) in Counter::cast_many(&counters, || 2)? {
    ///     println!("{pid} did not take it: {error}");
    /// }
    /// let counts = Counter::call_many(&counters, |n| n).await?;
    /// assert_eq!(counts.replies, [(counters[0].pid(), 2), (counters[1].pid(), 42)]);
    /// # Ok(())
    /// # }
    /// ```
    fn cast_many<M: DestMany<Self>>(
        to: M,
        make: impl Fn() -> Self::Cast,
    ) -> Result<Vec<Refused<Self::Cast>>, CallError> {
        cast_many::send_many::<Self, M>(&to, make)
    }

    /// Asks the server to end, behind what it was sent before, and waits until it has.
    fn stop<D: Dest<Self>>(to: D) -> Stop<Self, D> {
        Stop::new(to)
    }
}
