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
//! | servers, calls, replies | [`GenServer`], [`ReplyTo`], [`CallError`] |
//! | names | [`Global`], [`Name`] |
//! | restarting what fails | [`Supervisor`], [`DistributedSupervisor`] |
//! | nodes and their cluster | [`Node`], [`ClusterConfig`], [`Cluster`], [`main`](macro@main) |

mod logging;
mod node;
#[cfg(doctest)]
mod readme;
mod run;
mod stopping;

pub use bytes::Bytes;
pub use node::{Node, NodeError};
pub use noex_cluster::{
    BindError, Cluster, ClusterConfig, ClusterEvent, ConfigError, Events, Jitter, Missed, NodeInfo,
    NodeStatus, Preset, Secret, SecretError, Status,
};
pub use noex_core::codec::Local;
pub use noex_core::mailbox::{Down, Exit, Info};
pub use noex_core::{
    Creation, ExitReason, LocalNode, MonitorRef, NodeDownReason, NodeId, NodeIdError, Panic, Peer,
    PeerEvent, Pid, Wire,
};
pub use noex_gen_server::{
    Call, CallError, CastError, Context, Dest, Flow, GenServer, Name, ReplyTo, ServerRef, Start,
    StartError, Stop,
};
pub use noex_macros::main;
pub use noex_registry::{Global, Registry};
pub use noex_supervisor::{
    ChildSpec, DistributedSupervisor, Mode, NodeFilter, RemoteChild, Restart, Shutdown, Supervisor,
    register_server,
};
pub use run::spawn;
pub use stopping::until_stopped;

/// What nearly every program needs.
pub mod prelude {
    pub use crate::{
        CallError, ClusterConfig, Context, ExitReason, Flow, GenServer, Global, Info, Node,
        ReplyTo, ServerRef, StartError, Supervisor,
    };
    pub use serde::{Deserialize, Serialize};
}

/// What the macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use crate::run::run;
}
