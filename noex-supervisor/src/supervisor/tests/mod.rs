//! Tests of the machine: inputs in, outputs out.

mod rig;
mod restarts;
mod numbered;
mod significant;
mod delay;
mod model;
mod random;
