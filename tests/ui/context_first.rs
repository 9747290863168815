//! The context comes last.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self, cx: &mut Context<Self>, key: String) -> u64 {
        0
    }
}

fn main() {}
