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
mod bind_error;
mod cluster;

pub use bind_error::BindError;
pub use cluster::{Bound, Cluster};
pub use config::{
    Advertise, BackoffSettings, ClusterConfig, ConfigError, Jitter, Preset, Seed, SeedError,
    ValidConfig,
};
pub use event::{ClusterEvent, Events, Missed};
pub use finding::{Discovery, DiscoveryError, Dns, StaticList};
pub use node_info::{NodeInfo, NodeStatus, Stats};
pub use proto::membership::Status;
pub use secret::{Secret, SecretError};
pub use subscription::Subscription;
