//! How a node takes part in a cluster: the builder, the file, the environment, and the valid
//! result.

mod cluster_config;
mod preset;
mod seed;
mod duration;
mod size;
mod fields;
mod file;
mod env;
mod advertise;
mod secret_rules;
mod valid_config;
mod error;
#[cfg(test)]
mod tests;

pub use advertise::Advertise;
pub use cluster_config::ClusterConfig;
pub use error::ConfigError;
pub use preset::{Jitter, Preset};
pub use seed::{Seed, SeedError};
pub use valid_config::{BackoffSettings, ValidConfig};

pub(crate) use secret_rules::SecretRules;
