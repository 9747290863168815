//! Real nodes on loopback sockets, several in one process.

mod harness;
mod joining;
mod leaving;
mod strangers;
mod crossing;
