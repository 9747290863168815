//! A method handles one kind of message.

#![allow(unused)]

use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    #[cast]
    fn get(&self) {}
}

fn main() {}
