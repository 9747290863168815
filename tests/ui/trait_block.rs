//! The block of a trait is no server.

#![allow(unused)]

trait Count {
    fn init() -> Self;
}

struct Counter;

#[noex::server]
impl Count for Counter {
    fn init() -> Self {
        Self
    }
}

fn main() {}
