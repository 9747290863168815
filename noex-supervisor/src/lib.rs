//! Supervisors: processes that start other processes, watch them, and start them again.
//!
//! ```text
//!   Supervisor               children on its own node; one for one, one for all, rest for one
//! ```
//!
//! What is to be done is decided in pure machines; the processes perform it.

mod alarm;
mod intensity;
mod policy;
mod stop_child;
mod tasks;

pub mod supervisor;

pub use policy::{Restart, Shutdown, Strategy};
pub use supervisor::{ChildInfo, ChildSpec, ChildState, Supervisor, SupervisorClient};
