//! The workloads, written once. A peer supplies the primitives (spawn, call, cast, stop) and gets
//! exactly the same work and the same clock as every other peer.
//!
//! One line per figure on stdout: peer \t runtime \t figure \t value \t unit

mod local;
mod measure;
mod remote;

pub use local::{Local, local_main};
pub use measure::{arg, emit, pct, rss_bytes, scaled, timed, tokio_rt, wanted};
pub use remote::{Remote, ready, remote_main};
