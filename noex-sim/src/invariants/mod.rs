//! What must hold in every run, whatever happens: one rule a file.

mod invariant;
mod one_down_per_up;
mod bearable;
mod never_early;
mod no_ghosts;
mod sessions_of_the_living;
mod reasons;
mod sessions_bounded;
mod dials_bounded;
mod one_view;

pub use invariant::{Invariant, Violation, all};
