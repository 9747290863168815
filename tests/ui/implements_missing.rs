//! A server handles all of a protocol.

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
    fn get(&self, key: String) -> Option<u64> {
        None
    }
}

fn store(memory: &ServerRef<Memory>) -> StoreRef {
    memory.into()
}

fn main() {}
