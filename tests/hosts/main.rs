//! Hosts: five networks joined by a bridge, a node in each, and faults between them.
//!
//! They need root, network namespaces and `nft`. Where there are none they say `NOT RUN`, and fail
//! if `NOEX_REQUIRE_NAMESPACES=1` demands it.

#![expect(
    clippy::disallowed_methods,
    reason = "what happens between hosts is timed by the wall"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../processes/demand.rs"]
mod demand;
mod network;
mod chronicle;
mod hosts;
mod silence;
mod splits;
mod sparse;
mod pairs;
mod resets;
mod losses;
