//! What `register_server!` expands to; nothing here is for anybody else.

pub use inventory;

pub use crate::spawner::ServerType;
