//! Cluster-wide names and groups of processes, which go with their process or node.
//!
//! ```text
//!   Registry::register, join    ─► Machine ─► delta, flooded to the namesake on every node
//!            whereis, members   ─► one shard of what the machine published, on this node
//!
//!   a node comes        full states are fetched, each node's own entries from itself
//!   a process ends      its node releases its entries
//!   a node goes         everybody forgets its entries, in one step
//!   every 5 s           versions are compared with one neighbour
//! ```
//!
//! An entry is a claim to a name, which one process has, or a place in a group, which any number
//! of processes have.
//!
//! Two processes may claim one name at the same moment, or on two sides of a split. All nodes then
//! pick the same one, the oldest, and the node of any other one ends its process with
//! [`ExitReason::NameConflict`](noex_core::ExitReason::NameConflict). A name is therefore not a
//! lock: while a split lasts, each side may have a holder.

mod registry;
mod published;
mod driver;
mod server;
mod proto;

pub mod global;
mod group;

pub use global::{Global, GlobalClaim};
pub use group::Group;
pub use proto::GroupEvent;
pub use registry::{Registry, Stats};
