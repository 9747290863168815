//! A server borrows from nobody.

#![allow(unused)]

use noex::prelude::*;

struct Counter<'a>(&'a str);

#[noex::server]
impl<'a> Counter<'a> {
    fn init(name: &'static str) -> Self {
        Self(name)
    }
}

fn main() {}
