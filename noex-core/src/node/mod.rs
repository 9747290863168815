//! A node: its processes, its names, its edges.

mod bonds;
mod burdens;
mod calls;
mod deliver;
mod extensions;
mod local_node;
mod names;
mod observe;
mod peer_table;
mod peers;
mod relate;
mod shutdown;
mod timers;

pub use local_node::{LocalNode, WeakNode};
pub use names::NameError;
pub use observe::Ended;
pub use peers::{NodeDownReason, Peer, PeerEvent};
