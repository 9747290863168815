//! `init` handles no message.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    #[call]
    fn init() -> Self {
        Self
    }
}

fn main() {}
