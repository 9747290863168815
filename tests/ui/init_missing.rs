//! A server without `init`.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    #[call]
    fn get(&self) -> u64 {
        0
    }
}

fn main() {}
