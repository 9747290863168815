//! Code that blocks: calls from threads outside of the runtime, and servers on threads of their
//! own.

mod blocking_server;
mod call;
mod server;
mod thread;

pub use blocking_server::{BlockingContext, BlockingServer};
pub use call::{call, call_within, cast};
pub use server::OnThread;
