//! A reference is made from a server that accepts the protocol.

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

#[noex::server]
impl Memory {
    fn init() -> Self {
        Self
    }
}

fn store(memory: &ServerRef<Memory>) -> StoreRef {
    StoreRef::from(memory)
}

fn main() {}
