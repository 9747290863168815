//! Real nodes: processes of the operating system on loopback, killed, stopped and lied to.

mod probe;
mod support;
