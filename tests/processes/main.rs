//! Real nodes: processes of the operating system on loopback, killed, stopped and lied to.

#![expect(
    clippy::disallowed_methods,
    reason = "what happens between processes is timed by the wall"
)]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod support;
mod probe;
mod part;
mod mesh;
mod proxy;
mod joining;
mod finding;
mod demand;
mod namespace;
mod name_server;
mod resolving;
mod port;
mod crossing;
mod failing;
mod reconnecting;
mod churning;
mod events;
mod full_disk;
mod snapshot;
mod sparse;
mod resting;
mod shutdown;
mod application;
mod calls;
mod order;
mod panics;
mod names;
mod groups;
mod strangers;
mod secrecy;
mod attacks;
mod rotation;
mod upgrade;
