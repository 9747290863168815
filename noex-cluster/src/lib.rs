//! Discovery, authenticated sessions, membership and the wire format.
//!
//! Everything that decides is in `proto`: no sockets, no clocks, no tasks. A shell of tokio tasks
//! around it does what it says.
//!
//! The modules, in the order in which to read them:

pub mod config;
pub mod secret;
pub mod finding;
mod proto;
mod net;
mod router;
mod pod;
mod address;
mod node_info;
mod event;
mod view;
mod subscription;
mod informant;
mod bind_error;
mod cluster;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod sim;

pub use bind_error::BindError;
pub use cluster::{Bound, Cluster};
pub use config::{
    Advertise, BackoffSettings, ClusterConfig, ConfigError, Jitter, Preset, Seed, SeedError,
    ValidConfig,
};
pub use event::{ClusterEvent, Events, Missed};
pub use finding::{Discovery, DiscoveryError, Dns, StaticList};
pub use node_info::{NodeInfo, NodeStatus, Snapshot, Stats};
#[doc(hidden)]
pub use proto::handshake::NextVersion;
pub use proto::membership::Status;
pub use secret::{Secret, SecretError};
pub use subscription::Subscription;
