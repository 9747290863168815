//! What a server is made from is its own.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init(name: &str) -> Self {
        Self
    }
}

fn main() {}
