//! A message can be written and read.

#![allow(unused)]

use noex::prelude::*;

struct Key;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[cast]
    fn put(&mut self, key: Key) {}
}

fn main() {}
