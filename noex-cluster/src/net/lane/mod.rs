//! The lane: the stream of a session that carries signals, on the users' runtime.

mod queue;
mod tasks;

pub(crate) use queue::{LaneQueue, Limits};
pub(super) use tasks::{Lane, LaneContext};
