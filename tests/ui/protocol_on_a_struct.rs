//! A protocol is a trait.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
struct Store {
    key: String,
}

fn main() {}
