//! Pure: membership: which nodes there are, which of them are up, and whom to dial.
//!
//! This version is a full mesh: every member holds a session with every other, and judges each
//! by its own session alone. Gossip teaches addresses and never decides who is up. What a node
//! observes, and who decides, is hidden behind [`Machine`]'s inputs and outputs.

mod status;
mod message;
mod input;
mod output;
mod member;
mod session_table;
mod discovery;
mod dial_table;
mod machine;
mod gossip;
mod admission;
mod sessions;
mod timeouts;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod simulated_network;
#[cfg(test)]
mod tests;

pub use status::Status;

pub(crate) use input::{DialFailure, Input, Stream, Via};
pub(crate) use machine::{Machine, Own, Rules};
pub(crate) use message::{Facts, Message};
pub(crate) use output::{DialId, Endpoint, Notice, Output, SessionId};
pub(crate) use session_table::HANDSHAKE_TIMEOUT;
