//! `init` has no server to work on.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init(&self) -> Self {
        Self
    }
}

fn main() {}
