//! The core as its users see it: processes, links, monitors, calls, on one node and on several.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod calls;
mod mailbox;
mod relations;
mod shutdown;
mod support;
mod timers;
