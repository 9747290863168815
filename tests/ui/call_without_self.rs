//! A handler works on the state.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get() -> u64 {
        0
    }
}

fn main() {}
