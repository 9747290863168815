//! What is done to a cluster, and what is measured of it. Every scenario ends with the faults off,
//! and demands one view everywhere.

mod outcome;
mod scenario;
mod idle;
mod endings;
mod loss;
mod pairs;
mod deaf;
mod pauses;
mod suspension;
mod splits;
mod observers;
mod restarts;
mod joining;
mod resting;
mod chaos;

pub use outcome::Outcome;
pub use scenario::{Run, Scenario};
