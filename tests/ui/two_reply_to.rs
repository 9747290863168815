//! A call has one reply.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self, one: ReplyTo<u64>, two: ReplyTo<u64>) {}
}

fn main() {}
