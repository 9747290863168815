//! Real nodes on loopback sockets, several in one process.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod harness;
mod joining;
mod leaving;
mod strangers;
mod crossing;
mod signals;
