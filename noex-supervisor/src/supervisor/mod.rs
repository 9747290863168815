//! `Supervisor` and its like: they keep the children of one node running.

mod child_spec;
mod children;
mod answer;
mod rules;
mod work;
mod due;
mod input;
mod output;
mod machine;
mod questions;
mod shell;
mod builder;
mod server;
mod client;
mod error;
mod dynamic;
mod partition;
mod task_supervisor;

#[cfg(test)]
mod tests;

pub use builder::SupervisorBuilder;
pub use child_spec::{ChildKind, ChildSpec};
pub use children::{ChildCounts, ChildInfo, ChildState};
pub use client::{SupervisorCall, SupervisorClient};
pub use dynamic::{
    DynamicSupervisor, DynamicSupervisorArgs, DynamicSupervisorBuilder, DynamicSupervisorCall,
    DynamicSupervisorClient,
};
pub use error::{DeleteChildError, RestartChildError, StartChildError, TerminateChildError};
pub use partition::{Partition, PartitionSupervisor};
pub use server::{Supervisor, SupervisorArgs};
pub use task_supervisor::{SpawnTask, TaskSupervisor};
