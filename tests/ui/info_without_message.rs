//! An #[info] handler takes its message.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[info]
    fn tick(&mut self) {}
}

fn main() {}
