//! A message has one type.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn sum(&self, numbers: impl Iterator<Item = u64>) -> u64 {
        numbers.sum()
    }
}

fn main() {}
