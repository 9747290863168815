//! A handler has no parameters of its own.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[cast]
    fn put<T>(&mut self, value: T) {}
}

fn main() {}
