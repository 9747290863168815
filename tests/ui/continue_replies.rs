//! Nobody waits for a `#[continue_]` handler.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[continue_]
    fn load(&mut self, key: String) -> u64 {
        0
    }
}

fn main() {}
