//! A handler leaves the state where it is.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(self) -> u64 {
        0
    }
}

fn main() {}
