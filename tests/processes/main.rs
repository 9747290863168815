//! Real nodes: processes of the operating system on loopback, killed, stopped and lied to.

#![expect(
    clippy::disallowed_methods,
    reason = "what happens between processes is timed by the wall"
)]

mod probe;
mod support;
