//! Mailboxes: what waits for a process, in the order in which it came.

mod incoming;
mod queue;

pub use incoming::{Down, Exit, Incoming, Info};
pub use queue::{CAPACITY_DEFAULT, Mailbox, PushError};
