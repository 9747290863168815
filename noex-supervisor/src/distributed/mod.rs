//! `DistributedSupervisor`: keeps children running, on whatever node is up.

mod remote_child;
mod rotation;
mod child;
mod machine;
mod newborn;
mod builder;
mod server;
mod client;

#[cfg(test)]
mod tests;

pub use builder::{DistributedSupervisorBuilder, Mode, NodeFilter};
pub use child::{RemoteChildInfo, RemoteChildState};
pub use client::{DistributedSupervisorCall, DistributedSupervisorClient};
pub use remote_child::RemoteChild;
pub use server::{DistributedSupervisor, DistributedSupervisorArgs};
