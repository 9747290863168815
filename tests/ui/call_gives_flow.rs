//! A call that ends the server has a reply, too.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    fn finish(&mut self) -> Flow {
        Flow::Continue
    }
}

fn main() {}
