//! Nobody waits for a cast.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[cast]
    fn add(&mut self, reply: ReplyTo<u64>) {}
}

fn main() {}
