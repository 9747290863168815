//! The `GenServer` behaviour: typed calls and casts to a process, here or on another node.
//!
//! ```text
//!   client                                server
//!   GenServer::start(args)          ──►   init, then handle_continue
//!   GenServer::call(to, Call::Get)  ──►   handle_call, answers by its ReplyTo
//!   GenServer::cast(to, Cast::Add)  ──►   handle_cast
//!   a Down, an Exit, a node event   ──►   handle_info
//!   its own timers                  ──►   handle_cast, handle_info
//!   GenServer::stop(to)             ──►   terminate
//! ```
//!
//! What else a program needs of OTP stands on it: [`state_machine`] where the handling depends on
//! a state, [`Agent`] where a state is all there is, [`task`] for work that ends with a value, and
//! [`blocking`] for servers that block and for callers outside of the runtime.

mod agenda;
mod agent;
mod at;
pub mod blocking;
mod call;
mod call_many;
mod cast;
mod cast_many;
mod cast_wait;
mod context;
mod dest;
mod detour;
mod dest_many;
mod error;
mod flow;
mod inspect;
mod joint;
mod multi_call;
mod patience;
mod protocols;
mod request;
mod handling;
mod run;
mod server;
mod server_ref;
mod start;
mod stop;
pub mod state_machine;
pub mod task;
mod timers;
mod whereis;

pub use agent::{Agent, AgentCall, AgentInit, AgentWork};
pub use at::At;
pub use call::Call;
pub use call_many::{Answers, CallMany};
pub use cast_many::Refused;
pub use cast_wait::CastWait;
pub use context::Context;
pub use dest::{Address, Dest, Successor};
pub use dest_many::DestMany;
pub use error::{CastError, StartError};
pub use flow::Flow;
pub use inspect::Inspect;
pub use multi_call::multi_call;
pub use noex_core::{CallError, ReplyTo, TimerRef};
pub use protocols::{Accepted, Accepts, Protocol, ProtocolCall, ProtocolRef};
pub use request::Request;
pub use server::GenServer;
pub use server_ref::ServerRef;
pub use start::{Name, Start};
pub use stop::Stop;
pub use whereis::Whereis;
