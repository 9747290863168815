//! Pure: the registry's protocol, from claims to the machine that merges them.
//!
//! Each node owns the entries of its own processes, which are claims to names and places in
//! groups, and numbers every change of them. The machine holds the entries of all nodes that are
//! up; who holds a name and who is in a group is a function of the entries alone, so that nodes
//! with the same entries agree without asking each other.
//!
//! Nodes tell their neighbours alone, some of all, who pass on what is news to them: a change goes
//! once over each edge in each direction. What a node missed it sees by comparing versions with a
//! neighbour, and fetches from whoever knows it.

mod claim;
mod entry;
mod message;
mod room;
mod table;
mod versions;
mod neighbours;
mod own;
mod origins;
mod watchers;
mod vacancies;
mod group_event;
mod event;
mod machine;
mod exchange;
mod draining;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod graph;

pub use group_event::GroupEvent;

pub(crate) use claim::is_name;
pub(crate) use event::{Input, Now, Output};
pub(crate) use machine::Machine;
pub(crate) use message::{Letter, Message};

#[cfg(test)]
use room::PART_SIZE;
