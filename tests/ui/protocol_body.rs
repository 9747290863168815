//! A protocol says what can be sent, not what is done.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
trait Store {
    #[call]
    fn get(&self, key: String) -> u64 {
        0
    }
}

fn main() {}
