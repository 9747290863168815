//! Pure: membership: which nodes there are, which of them are up, and whom to dial.
//!
//! Each node is observed by a few others, its neighbours on rings that everybody computes alike.
//! It sends them its heartbeats; when it falls silent they ask it, then others about it, then
//! vote. Votes are flooded, and every node decides by them. `docs/protocol.md` has the rules,
//! `docs/design/membership-rings.md` the reasons.

mod status;
mod message;
mod input;
mod output;
#[cfg(feature = "broken")]
mod flaw;
#[cfg(not(feature = "broken"))]
#[path = "flawless.rs"]
mod flaw;
mod rings;
mod member;
mod session_table;
mod discovery;
mod dial_table;
mod link_table;
mod neighbour;
mod neighbour_table;
mod suspicion;
mod health;
mod roll;
mod sync;
mod outbox;
mod inquiries;
mod rumours;
mod machine;
mod news;
mod standings;
mod admission;
mod sessions;
mod resting;
mod linking;
mod neighbourhood;
mod watching;
mod votes;
mod rolls;
mod syncing;
mod timeouts;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod simulated_network;
#[cfg(test)]
mod tests;

pub use flaw::Flaw;
pub use input::{DialFailure, Input, Stream, Via};
pub use machine::{Machine, OBSERVERS, Own, Rules};
pub use message::{Facts, Message, News, Record, Standing, Who};
pub use output::{DialId, Endpoint, Notice, Output, SessionId};
pub use status::Status;

pub(crate) use session_table::HANDSHAKE_TIMEOUT;
