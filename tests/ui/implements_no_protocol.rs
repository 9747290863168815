//! A trait is no protocol by itself.

#![allow(unused)]

use noex::prelude::*;

trait Store {
    fn get(&self, key: String) -> Option<u64>;
}

struct Memory;

#[noex::server(implements(Store))]
impl Memory {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self, key: String) -> Option<u64> {
        None
    }
}

fn main() {}
