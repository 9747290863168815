//! The shell around the protocol: sockets, tasks, and the cluster's own thread.
//!
//! Handshakes, control connections and the membership machine run on a thread of their own, so
//! that a node whose users keep its runtime busy is still alive to the others; one whose runtime
//! stands still is silent. The sockets that
//! carry signals run on the users' runtime, where the processes are.

mod identity;
mod warnings;
mod patience;
mod stream;
mod arrival;
mod lane;
mod control;
mod session;
mod key_memory;
mod head_start;
mod dialer;
mod accept;
mod entrance;
mod listener;
mod notices;
mod wishes;
mod leaving;
mod pulse;
mod driver;
mod welcoming;
mod announce;
mod resting;
mod thread;
mod secret_watch;

pub(crate) use identity::Identity;
pub(crate) use lane::{LaneQueue, Limits};
pub(crate) use notices::log_start;
pub(crate) use secret_watch::SecretWatch;
pub(crate) use thread::{Thread, ThreadParts};
pub(crate) use wishes::Wish;
