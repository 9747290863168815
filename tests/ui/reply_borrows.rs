//! A reply owns what it carries.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn name(&self) -> &str {
        "counter"
    }
}

fn main() {}
