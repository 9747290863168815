//! A reply has one type.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn all(&self) -> impl Iterator<Item = u64> {
        0..1
    }
}

fn main() {}
