//! Supervisors: processes that start other processes, watch them, and start them again.
//!
//! ```text
//!   Supervisor               children on its own node; one for one, one for all, rest for one
//!   DynamicSupervisor        children that come and go while it runs, many of a kind
//!   PartitionSupervisor      children of one kind, among which keys are divided
//!   TaskSupervisor           tasks, which others wait for or not
//!   DistributedSupervisor    children on any node that is up; a lost node's start elsewhere
//!     └─ Spawner             one on each node: starts a registered server for another node
//!   Application              a program: a root supervisor, and what is done before and after
//! ```
//!
//! What is to be done is decided in pure machines; the processes perform it.

mod alarm;
mod intensity;
mod policy;
mod stop_child;
mod tasks;

pub mod application;
pub mod distributed;
pub mod spawner;
pub mod supervisor;

#[doc(hidden)]
pub mod __private;

pub use application::{Application, ApplicationServer};
pub use distributed::{
    DistributedSupervisor, DistributedSupervisorClient, Mode, NodeFilter, RemoteChild,
};
pub use policy::{AutoShutdown, Restart, RestartDelay, Shutdown, Strategy};
pub use spawner::Spawner;
pub use supervisor::{
    ChildInfo, ChildSpec, ChildState, DynamicSupervisor, DynamicSupervisorClient, Partition,
    PartitionSupervisor, Supervisor, SupervisorClient, TaskSupervisor,
};
