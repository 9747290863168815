//! What `#[noex::server]` writes, used: on one node, between two, and where it refuses.

#![deny(missing_docs, dead_code, unused)]

mod continues;
mod counter;
mod debug;
mod generics;
mod info;
mod life;
mod local;
mod pair;
mod protocol;
pub mod public;
mod refusals;
