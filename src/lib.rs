//! Actors with distribution built in.
