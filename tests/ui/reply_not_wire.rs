//! A reply can be written and read.

#![allow(unused)]

use noex::prelude::*;

struct Key;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self) -> Key {
        Key
    }
}

fn main() {}
