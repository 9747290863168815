//! A marker has no arguments.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call(timeout = 5)]
    fn get(&self) -> u64 {
        0
    }
}

fn main() {}
