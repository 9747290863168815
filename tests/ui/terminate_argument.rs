//! What an end brings.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[terminate]
    fn bye(&mut self, reason: String) {}
}

fn main() {}
