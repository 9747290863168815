//! What a server goes on with outlives the handler that asks for it.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[continue_]
    fn load(&mut self, key: &str) {}
}

fn main() {}
