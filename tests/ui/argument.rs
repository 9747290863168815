//! Arguments that there are.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server(remote)]
impl Counter {
    fn init() -> Self {
        Self
    }
}

fn main() {}
