//! The `GenServer` behaviour: typed calls and casts to a process, here or on another node.
//!
//! ```text
//!   client                                server
//!   GenServer::start(args)          ──►   init, then handle_continue
//!   GenServer::call(to, Call::Get)  ──►   handle_call, answers by its ReplyTo
//!   GenServer::cast(to, Cast::Add)  ──►   handle_cast
//!   a Down, an Exit, a node event   ──►   handle_info
//!   GenServer::stop(to)             ──►   terminate
//! ```

mod call;
mod cast;
mod context;
mod dest;
mod error;
mod flow;
mod request;
mod run;
mod server;
mod server_ref;
mod start;
mod stop;

pub use call::Call;
pub use context::Context;
pub use dest::{Address, Dest};
pub use error::{CastError, StartError};
pub use flow::Flow;
pub use noex_core::{CallError, ReplyTo};
pub use request::Request;
pub use server::GenServer;
pub use server_ref::ServerRef;
pub use start::{Name, Start};
pub use stop::Stop;
