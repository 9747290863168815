//! Nobody waits for a cast.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[cast]
    fn add(&mut self, by: u64) -> u64 {
        by
    }
}

fn main() {}
