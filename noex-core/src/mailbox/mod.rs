//! Mailboxes: what waits for a process, in the order in which it came.

mod batch;
mod incoming;
#[cfg(test)]
#[cfg(noex_loom)]
mod models;
mod overflow;
mod push;
mod queue;
mod take;
mod urgent;

pub use incoming::{Down, Exit, Incoming, Info};
pub use overflow::Overflow;
pub use queue::{CAPACITY_DEFAULT, Mailbox, PushError};

pub(crate) use batch::Batch;
pub(crate) use urgent::{DESCRIBE, EXIT, Observers, SUSPENDED, UNBOUND};
