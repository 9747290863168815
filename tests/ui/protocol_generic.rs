//! A generic server has many protocols.

#![allow(unused)]

use noex::prelude::*;

struct Cache<T>(T);

#[noex::server(protocol = "cache")]
impl<T: Send + 'static> Cache<T> {
    fn init(first: T) -> Self {
        Self(first)
    }
}

fn main() {}
