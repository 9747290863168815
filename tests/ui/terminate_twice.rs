//! A server ends once.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[terminate]
    fn one(&mut self) {}

    #[terminate]
    fn two(&mut self) {}
}

fn main() {}
