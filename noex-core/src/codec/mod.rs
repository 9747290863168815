//! The payload codec: what a message looks like between nodes.

mod local;
mod payload;

pub use local::Local;
pub use payload::{Wire, encode};

pub(crate) use payload::{decode, export_local, export_remote, import};
