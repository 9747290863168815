//! Discovery, authenticated sessions, membership and the wire format.
//!
//! Everything that decides is in `proto`: no sockets, no clocks, no tasks. A shell of tokio tasks
//! around it does what it says.
//!
//! The modules, in the order in which to read them:

#![cfg_attr(
    not(test),
    expect(dead_code, reason = "the shell that uses `proto` comes next")
)]
#![expect(unused_imports, reason = "the shell that uses `proto` comes next")]

pub mod config;
pub mod secret;
mod proto;

pub use config::{
    BackoffSettings, ClusterConfig, ConfigError, Jitter, Preset, Seed, SeedError, ValidConfig,
};
pub use secret::{Secret, SecretError};
