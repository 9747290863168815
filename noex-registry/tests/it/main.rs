//! The registries of several nodes in one process, joined by an in-memory network.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod support;
mod draining;
mod names;
mod groups;
