//! Finding the cluster: what tells where nodes may be, and how it is asked.

mod discovery;
mod static_list;
mod dns;
mod sources;

pub use discovery::{Discovery, DiscoveryError};
pub use dns::Dns;
pub use static_list::StaticList;

pub(crate) use discovery::DynDiscovery;
pub(crate) use sources::Sources;
