//! Timers: messages to a process after a while, one task for all timers of a node.

mod queue;
mod timers;

pub(crate) use timers::{Alarm, Timers};
