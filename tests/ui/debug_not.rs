//! A state that is shown can be printed.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server(debug)]
impl Counter {
    fn init() -> Self {
        Self
    }
}

fn main() {}
