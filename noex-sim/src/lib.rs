//! Clusters of hundreds of nodes in virtual time.
//!
//! The membership machine is the one that production runs; clock, network and processes are
//! simulated. One seed gives one run, and a run that fails prints the command that repeats it.
//!
//! The modules, in the order in which to read them:

pub mod time;
pub mod truth;
pub mod invariants;
mod queue;
mod connection;
mod paths;
mod node;
pub mod tally;
pub mod world;
mod delivery;
mod dialling;
mod faults;
mod using;
mod performing;
pub mod scenarios;
mod goals;
mod rows;
pub mod table;

pub use goals::percentile;
