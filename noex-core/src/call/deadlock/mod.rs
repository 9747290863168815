//! Deadlocks: calls that wait for each other in a circle.

mod cycles;
mod detector;
mod watch;
mod deadlocks;

pub use deadlocks::{Deadlock, Deadlocks, Stuck};

pub(crate) use deadlocks::DeadlockNews;
pub(super) use watch::Watch;
