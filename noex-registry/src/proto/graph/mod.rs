//! Pure: machines whose neighbours are some of all, as in a large cluster.

mod simulation;
mod tests;
