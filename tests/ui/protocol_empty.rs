//! A protocol has a name.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server(protocol = "")]
impl Counter {
    fn init() -> Self {
        Self
    }
}

fn main() {}
