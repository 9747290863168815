//! Pure: the registry's protocol, from claims to the machine that merges them.
//!
//! Each node owns the claims of its own processes and numbers every change of them. The machine
//! holds the claims of all nodes that are up; who holds a name is a function of the claims alone,
//! so that nodes with the same claims agree without asking each other.

mod claim;
mod message;
mod table;
mod origins;
mod event;
mod machine;

#[cfg(test)]
mod tests;

pub(crate) use claim::is_name;
pub(crate) use event::{Input, Now, Output};
pub(crate) use machine::Machine;
pub(crate) use message::Message;
