//! How a node takes part in a cluster: the builder, the environment, and the valid result.

mod cluster_config;
mod duration;
mod env;
mod error;
mod preset;
mod seed;
#[cfg(test)]
mod tests;
mod valid_config;

pub use cluster_config::ClusterConfig;
pub use error::ConfigError;
pub use preset::{Jitter, Preset};
pub use seed::{Seed, SeedError};
pub use valid_config::{BackoffSettings, ValidConfig};
