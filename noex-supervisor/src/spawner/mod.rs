//! Starting servers on other nodes: the types that may be, and the server that does it.

mod register;
mod server_type;
mod server;

pub use server::{Spawner, SpawnerCall};
pub use server_type::{ServerType, StartRequest};

pub(crate) use server::SpawnerAt;
pub(crate) use server_type::encode_args;
