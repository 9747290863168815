//! Cluster-wide names that go with their process or node.
//!
//! ```text
//!   Registry::register ─► Machine ─► delta, flooded to the namesake on every node
//!            whereis   ─► one shard of the table of winners, on this node
//!
//!   a node comes        full states are fetched, each node's own claims from itself
//!   a process ends      its node releases its claims
//!   a node goes         everybody forgets its claims, in one step
//!   every 5 s           versions are compared with one neighbour
//! ```
//!
//! Two processes may claim one name at the same moment, or on two sides of a split. All nodes then
//! pick the same one, the oldest, and the node of any other one ends its process with
//! [`ExitReason::NameConflict`](noex_core::ExitReason::NameConflict). A name is therefore not a
//! lock: while a split lasts, each side may have a holder.

mod registry;
mod driver;
mod server;
mod proto;

pub mod global;

pub use global::{Global, GlobalClaim};
pub use registry::{Registry, Stats};
