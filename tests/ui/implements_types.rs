//! A handler has the types of the protocol.

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
    fn get(&self, key: String) -> u64 {
        0
    }

    #[cast]
    fn forget(&mut self, key: u32) {}
}

fn main() {}
