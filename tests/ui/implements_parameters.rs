//! A handler takes what the protocol says.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
trait Store {
    #[call]
    fn get(&self, key: String) -> Option<u64>;

    #[cast]
    fn forget(&mut self, key: String);
}

struct Memory;

#[noex::server(implements(Store))]
impl Memory {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self) -> Option<u64> {
        None
    }

    #[cast]
    fn forget(&mut self, key: String) {}
}

fn main() {}
