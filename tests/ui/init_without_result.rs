//! `init` gives the server.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init(start: u64) {}
}

fn main() {}
