//! A call is answered in one way.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self, reply: ReplyTo<u64>) -> u64 {
        0
    }
}

fn main() {}
