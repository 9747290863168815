//! Servers as their users see them, on one node and on several.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod agents;
mod blocking;
mod busy;
mod call_many;
mod contract;
mod deadlines;
mod deadlocks;
mod handles;
mod inspect;
mod life;
mod multi_call;
mod order;
mod protocols;
mod refusals;
mod room;
mod server;
mod skipped;
mod state_machine;
#[path = "../../../noex-core/tests/it/support.rs"]
mod support;
mod tasks;
mod timers;
mod via;
