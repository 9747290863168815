//! The unit tests of the main job's parts: cargo runs no tests of an example that others run.

#![expect(dead_code, reason = "the job uses what the tests of its parts do not")]

#[path = "../examples/cluster/chunks.rs"]
mod chunks;
#[path = "../examples/cluster/input.rs"]
mod input;
#[path = "../examples/cluster/kill.rs"]
mod kill;
#[path = "../examples/cluster/ledger.rs"]
mod ledger;
#[path = "../examples/cluster/words.rs"]
mod words;
