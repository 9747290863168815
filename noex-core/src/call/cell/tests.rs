//! Tests of the reply cell.
