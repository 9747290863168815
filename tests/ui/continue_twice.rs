//! One `#[continue_]` handler runs behind `init`; others are asked for.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[continue_]
    fn load(&mut self, key: String) {}

    #[continue_]
    fn begin(&mut self) {}

    #[continue_]
    fn go(&mut self, cx: &mut Context<Self>) {}
}

fn main() {}
