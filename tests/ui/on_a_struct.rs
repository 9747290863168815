//! The attribute stands on the impl block.

#![allow(unused)]

#[noex::server]
struct Counter {
    n: u64,
}

fn main() {}
