//! Pure: what the nodes of a cluster say to each other, without sockets, clocks or tasks.

pub(crate) mod backoff;
pub(crate) mod idleness;
pub(crate) mod strangers;
pub(crate) mod handshake;
pub(crate) mod wire;
#[expect(
    missing_docs,
    unnameable_types,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "of other crates, the simulator alone sees it, and must match every variant"
)]
pub(crate) mod membership;
