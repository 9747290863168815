//! Pure: what the nodes of a cluster say to each other, without sockets, clocks or tasks.

pub(crate) mod backoff;
pub(crate) mod strangers;
pub(crate) mod handshake;
pub(crate) mod wire;
pub(crate) mod membership;
