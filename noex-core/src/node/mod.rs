//! A node: its processes, its names, its edges.

mod local_node;
mod peers;

pub use local_node::LocalNode;
pub use peers::{NodeDownReason, Peer, PeerEvent};
