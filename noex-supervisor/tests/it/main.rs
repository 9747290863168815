//! Supervisors as their users see them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, also in the functions that its cases share"
)]

mod application;
mod distributed;
mod dynamic;
mod partition;
mod stopping;
mod supervisor;
mod support;
mod tasks;
