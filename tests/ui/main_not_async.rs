//! The entry point is async.

#![allow(unused)]

#[noex::main]
fn main() {}
