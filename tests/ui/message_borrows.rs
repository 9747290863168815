//! A message owns what it carries.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self, key: &str) -> u64 {
        0
    }

    #[cast]
    fn put(&mut self, keys: Option<&[u64]>) {}
}

fn main() {}
