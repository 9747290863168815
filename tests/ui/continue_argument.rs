//! `#[continue_]` goes on from the state.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[continue_]
    fn go(&mut self, from: u64) {}
}

fn main() {}
