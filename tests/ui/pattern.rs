//! A parameter names a field.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[cast]
    fn move_to(&mut self, (x, y): (u64, u64)) {}
}

fn main() {}
