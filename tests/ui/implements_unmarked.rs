//! What is in a protocol is marked, as it is there.

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

    fn get(&self, key: String) -> Option<u64> {
        None
    }

    #[call]
    fn forget(&mut self, key: String) {}
}

fn main() {}
