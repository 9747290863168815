//! `#[noex::server]`: an impl block of handlers becomes a server.
//!
//! ```text
//!   arguments ─┐
//!   impl block ┴► Server { Init, Handlers } ──► the block as it was, without the markers
//!                  (each mistake is found here)  CounterCall, CounterCast     messages
//!                                                impl GenServer for Counter   dispatch
//!                                                trait CounterClient          client
//! ```

mod expand;
mod arguments;
pub(crate) mod block;
mod init;
pub(crate) mod handler;
pub(crate) mod outcome;
mod signature;
pub(crate) mod owned_type;
mod shape;
pub(crate) mod messages;
mod dispatch;
mod client;

pub(crate) use expand::expand;
