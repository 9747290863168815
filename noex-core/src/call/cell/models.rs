//! Models of the reply cell.
