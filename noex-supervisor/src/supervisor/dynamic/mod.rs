//! `DynamicSupervisor`: children that are started while it runs, many of a kind.

mod builder;
mod server;
mod client;

pub use builder::DynamicSupervisorBuilder;
pub use client::{DynamicSupervisorCall, DynamicSupervisorClient};
pub use server::{DynamicSupervisor, DynamicSupervisorArgs};
