//! The payload codec: what a message looks like between nodes.

mod local;
mod payload;

pub use local::Local;
pub use payload::{Wire, encode};

pub(crate) use payload::{decode, destination, export, give_back, import};
