//! One handler for one type.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[info]
    fn one(&mut self, down: noex::Down) {}

    #[info]
    fn two(&mut self, down: noex::Down) {}
}

fn main() {}
