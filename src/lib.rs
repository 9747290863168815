//! Actors with distribution built in.
//!
//! You write a [`GenServer`], start it under a [`Supervisor`], give it a name, and call it. The
//! call is the same line of code when the server runs on another machine: nodes find each other,
//! prove a shared secret, encrypt, notice failures in a time that you chose, and put the work of a
//! lost node somewhere else.
//!
//! ```
//! use noex::prelude::*;
//!
//! struct Counter(u64);
//!
//! #[derive(Serialize, Deserialize)]
//! enum CounterCall {
//!     Get(ReplyTo<u64>),
//! }
//!
//! impl GenServer for Counter {
//!     type Args = u64;
//!     type Call = CounterCall;
//!     type Cast = u64;
//!
//!     async fn init(start: u64, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
//!         Ok(Self(start))
//!     }
//!
//!     async fn handle_call(&mut self, call: CounterCall, _cx: &mut Context<Self>) -> Flow {
//!         match call {
//!             CounterCall::Get(reply) => reply.send(self.0),
//!         }
//!         Flow::Continue
//!     }
//!
//!     async fn handle_cast(&mut self, add: u64, _cx: &mut Context<Self>) -> Flow {
//!         self.0 += add;
//!         Flow::Continue
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Alone on a free port of this machine; `#[noex::main]` reads all this from the environment.
//! let node = Node::start(ClusterConfig::new("a").port(0)).await?;
//! let _inside = node.enter();
//!
//! Counter::start(40).name(Global("counter")).await?;
//! Counter::cast(Global("counter"), 2)?; // here, or on any node of the cluster
//! assert_eq!(Counter::call(Global("counter"), CounterCall::Get).await?, 42);
//! node.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! | to read about | start at |
//! |---|---|
//! | servers, calls, replies | [`GenServer`], [`server`](macro@server), [`ReplyTo`] |
//! | references that name no server | [`protocol`](macro@protocol), [`ProtocolRef`] |
//! | state machines, plain state | [`state_machine`], [`Agent`] |
//! | tasks, supervised or not | [`task`], [`TaskSupervisor`] |
//! | blocking work, other threads | [`blocking`] |
//! | names, groups | [`Global`], [`Group`], [`Name`] |
//! | restarting what fails | [`Supervisor`], [`DynamicSupervisor`], [`DistributedSupervisor`] |
//! | a program as a tree of supervisors | [`Application`], [`run_application`] |
//! | dividing work by key | [`PartitionSupervisor`] |
//! | nodes and their cluster | [`Node`], [`ClusterConfig`], [`Cluster`], [`main`](macro@main) |

mod application;
mod callee;
#[cfg(doctest)]
mod guide;
mod local_call;
mod logging;
mod node;
mod private;
#[cfg(doctest)]
mod readme;
mod run;
mod stopping;

pub use application::{ApplicationError, run_application};
pub use bytes::Bytes;
pub use callee::Callee;
pub use local_call::LocalCall;
pub use node::{Node, NodeError};
pub use noex_cluster::{
    Advertise, BindError, Cluster, ClusterConfig, ClusterEvent, ConfigError, Discovery,
    DiscoveryError, Dns, Events, Jitter, Missed, NodeInfo, NodeStatus, Preset, Secret, SecretError,
    Snapshot, StaticList, Status,
};
pub use noex_core::call::{Deadlock, Deadlocks, SkippedCalls, Stuck};
pub use noex_core::codec::Local;
pub use noex_core::inspect;
pub use noex_core::mailbox::{Down, Exit, Incoming, Info, Overflow};
pub use noex_core::process::{Process, Receiver, SpawnOptions};
pub use noex_core::{
    Creation, ExitReason, LocalNode, MonitorRef, NameError, NodeDownReason, NodeId, NodeIdError,
    Panic, Peer, PeerEvent, Pid, Wire, current_pid,
};
pub use noex_gen_server::{
    Accepted, Accepts, Address, Agent, Answers, At, Call, CallError, CallMany, CastError, CastWait,
    Context, Dest, DestMany, Flow, GenServer, Inspect, Name, Protocol, ProtocolCall, ProtocolRef,
    Refused, ReplyTo, ServerRef, Start, StartError, Stop, TimerRef, Whereis, blocking, multi_call,
    state_machine, task,
};
pub use noex_macros::main;
/// Makes a trait of calls and casts a protocol: messages that servers of several types accept.
///
/// A reference then names what it accepts, and not the server behind it. Beside the trait are
/// written: the messages `StoreCall` and `StoreCast`, `impl Protocol for dyn Store`, and
/// `StoreRef`, with one method for each message. A server accepts the protocol if it says so and
/// has a handler of the same name, with the same parameters and reply, for each message.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use noex::prelude::*;
///
/// #[noex::protocol]
/// trait Store {
///     #[call]
///     fn get(&self, key: String) -> Option<u64>;
///
///     #[call]
///     fn put(&mut self, key: String, value: u64);
///
///     #[cast]
///     fn forget(&mut self, key: String);
/// }
///
/// struct MemoryStore(BTreeMap<String, u64>);
///
/// #[noex::server(implements(Store))]
/// impl MemoryStore {
///     fn init() -> Self {
///         Self(BTreeMap::new())
///     }
///
///     #[call]
///     fn get(&self, key: String) -> Option<u64> {
///         self.0.get(&key).copied()
///     }
///
///     #[call]
///     async fn put(&mut self, key: String, value: u64) {
///         self.0.insert(key, value);
///     }
///
///     #[cast]
///     fn forget(&mut self, key: String) {
///         self.0.remove(&key);
///     }
///
///     /// A message of its own, which is not of the protocol.
///     #[call]
///     fn count(&self) -> usize {
///         self.0.len()
///     }
/// }
///
/// /// Knows no server, and works with all that accept the protocol, here or on other nodes.
/// async fn double(store: &StoreRef, key: &str) -> Result<(), CallError> {
///     let value = store.get(key.into()).await?.unwrap_or(1);
///     store.put(key.into(), 2 * value).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::start(ClusterConfig::new("a").port(0)).await?;
/// # let _inside = node.enter();
/// let server = MemoryStore::start(()).await?;
/// let store = StoreRef::from(&server);
/// double(&store, "a").await?;
/// assert_eq!(store.get("a".into()).await?, Some(2));
/// assert_eq!(server.count().await?, 1);
/// store.forget("a".into())?;
/// // A pid will do, and so will a name.
/// assert_eq!(StoreRef::from_pid(server.pid()).get("a".into()).await?, None);
/// MemoryStore::start(()).name(Global("store")).await?;
/// assert_eq!(StoreRef::named(Global("store"))?.get("a".into()).await?, None);
/// # node.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// # What a trait holds
///
/// Methods with `#[call]` or `#[cast]`, as a [`server`](macro@server) has them, but without bodies,
/// `async`, [`Flow`] and [`Context`]: these are each server's own matter. So is whether a handler
/// answers at once, or takes the [`ReplyTo`]. The trait itself stays as it is; nobody implements
/// it, and `dyn Store` names the protocol, as in [`ProtocolRef`]`<dyn Store>` and
/// [`Accepts`]`<dyn Store>`.
///
/// # What a reference costs
///
/// See [`ProtocolRef`](ProtocolRef#cost). Its calls have the time-outs of every call, and fail with
/// [`CallError::WrongServer`] where the server does not accept the protocol.
///
/// # Arguments
///
/// - `name = "store"`: the name of the protocol on the wire, in the place of the trait's path. Set
///   it to move the trait between modules without breaking the wire.
pub use noex_macros::protocol;
/// Makes an impl block of handlers a server.
///
/// The methods stay what they are: a test, or another method, calls them directly. Next to them
/// are written: the messages `CounterCall` and `CounterCast`, `impl GenServer for Counter`, and
/// `CounterClient`, a trait with one method for each call and cast of whatever is a [`Callee`].
/// Import it where the server is called from another module.
///
/// ```
/// use noex::prelude::*;
///
/// struct Counter {
///     n: u64,
///     waiting: Vec<(u64, ReplyTo<u64>)>,
/// }
///
/// #[noex::server]
/// impl Counter {
///     fn init(start: u64) -> Self {
///         Self { n: start, waiting: Vec::new() }
///     }
///
///     #[call]
///     fn get(&self) -> u64 {
///         self.n
///     }
///
///     /// An `Err` is a reply; the server goes on.
///     #[call]
///     async fn parse(&mut self, text: String) -> Result<u64, String> {
///         self.n = text.parse().map_err(|_| text)?;
///         Ok(self.n)
///     }
///
///     /// The reply comes later.
///     #[call]
///     fn wait_for(&mut self, at: u64, reply: ReplyTo<u64>) {
///         self.waiting.push((at, reply));
///     }
///
///     #[cast]
///     fn add(&mut self, by: u64) {
///         self.n += by;
///         for (_, reply) in self.waiting.extract_if(.., |(at, _)| *at <= self.n) {
///             reply.send(self.n);
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::start(ClusterConfig::new("a").port(0)).await?;
/// let _inside = node.enter();
/// let counter = Counter::start(40).name(Global("counter")).await?;
/// counter.add(2)?;
/// assert_eq!(counter.get().await?, 42);
/// assert_eq!(counter.parse("many".into()).await?, Err("many".into()));
/// // Any address has the same calls, and a message can be made by hand.
/// assert_eq!(Counter::at(counter.pid()).get().await?, 42);
/// Global("counter").add(1)?;
/// let n = Counter::call(Global("counter"), CounterCall::Get).await?;
/// assert_eq!(n, 43);
/// # node.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// # What a block holds
///
/// - `fn init(…)` makes the server. Its parameters are [`GenServer::Args`]: `()`, the one, or a
///   tuple. It gives `Self`, or a `Result` whose error is an [`ExitReason`] or can be displayed.
/// - `#[call]`: a request. It gives the reply, or `(reply, Flow)`, or takes a [`ReplyTo`] and
///   answers later.
/// - `#[cast]`: a message without a reply. It gives nothing, or [`Flow`].
/// - `#[info]`: news of the type of its parameter, which is [`Down`], [`Exit`], [`PeerEvent`], or a
///   type of yours that was posted as [`Info::Other`]; [`Info`] takes what no other does. It gives
///   nothing, or [`Flow`].
/// - `#[continue_]`: what is done before the next message, but behind the handler that asks for it
///   with `cx.continue_with(CounterContinue::Load { key })`. The one without values is asked for by
///   `init` itself: it runs first of all. It gives nothing, or [`Flow`].
/// - `#[terminate]` runs last; see [`GenServer::terminate`]. It may take `reason: &ExitReason`.
///
/// All of them may be async, begin with `&self` or `&mut self` (`init` has neither), and may take
/// `cx: &mut Context<Self>` as their last parameter. An async handler with `&self` needs a server
/// that is `Sync`; take `&mut self`. Methods without a marker are the server's own.
///
/// # Arguments
///
/// - `local`: messages stay on this node and can hold anything that is `Send`; sent to another
///   node they fail with [`CallError::LocalOnly`]. A late reply is a `ReplyTo<Local<R>>`. Where one
///   field alone stays at home, [`Local`] is enough.
/// - `implements(Store, Audited)`: the [protocols](macro@protocol) that it accepts.
/// - `debug`: the state, as its `Debug` prints it, is shown to those who
///   [look at the server](Inspect::state); see [`GenServer::describe`].
/// - `protocol = "counter"`: the name of the messages on the wire; see [`GenServer::protocol`].
/// - `vis = pub(crate)`: the visibility of what is written; `pub` at first, so that it is never
///   less visible than the server. Private names in it are no mistake.
///
/// # Generics
///
/// A message of `impl<T: Wire> Cache<T>` travels under the bounds of the block.
///
/// ```
/// use noex::Wire;
/// use noex::prelude::*;
///
/// struct Cell<T>(T);
///
/// #[noex::server]
/// impl<T: Wire + Clone> Cell<T> {
///     fn init(first: T) -> Self {
///         Self(first)
///     }
///
///     #[call]
///     fn replace(&mut self, value: T) -> T {
///         std::mem::replace(&mut self.0, value)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::start(ClusterConfig::new("a").port(0)).await?;
/// # let _inside = node.enter();
/// let cell = Cell::start("old".to_owned()).await?;
/// assert_eq!(cell.replace("new".to_owned()).await?, "old");
/// # node.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// # Servers that stay on their node
///
/// ```
/// use noex::prelude::*;
///
/// struct Runner;
///
/// #[noex::server(local)]
/// impl Runner {
///     fn init() -> Self {
///         Self
///     }
///
///     #[call]
///     fn run(&self, job: Box<dyn FnOnce() -> u64 + Send>) -> u64 {
///         job()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::start(ClusterConfig::new("a").port(0)).await?;
/// # let _inside = node.enter();
/// let runner = Runner::start(()).await?;
/// assert_eq!(runner.run(Box::new(|| 42)).await?, 42);
/// # node.stop().await;
/// # Ok(())
/// # }
/// ```
pub use noex_macros::server;
pub use noex_registry::{Global, GlobalClaim, Group, GroupEvent, Registry};
pub use noex_supervisor::{
    Application, ApplicationServer, AutoShutdown, ChildInfo, ChildSpec, ChildState,
    DistributedSupervisor, DistributedSupervisorClient, DynamicSupervisor, DynamicSupervisorClient,
    Mode, NodeFilter, PartitionSupervisor, RemoteChild, Restart, RestartDelay, Shutdown, Strategy,
    Supervisor, SupervisorClient, TaskSupervisor, distributed, register_server, supervisor,
};
pub use run::spawn;
pub use stopping::until_stopped;

/// What nearly every program needs.
pub mod prelude {
    pub use crate::{
        CallError, ClusterConfig, Context, DistributedSupervisorClient, ExitReason, Flow,
        GenServer, Global, Group, Info, Node, ReplyTo, ServerRef, StartError, Supervisor,
        SupervisorClient,
    };
    pub use serde::{Deserialize, Serialize};
}

/// What the macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use crate::private::{
        SameAs, SameReply, exit_reason, info_as, is_message, movable, printed, refuse_to_come,
        refuse_to_leave, same, same_again, same_reply, unhandled, unhandled_continue,
    };
    pub use crate::run::run;
    pub use noex_macros::implement;
    pub use serde;
}
