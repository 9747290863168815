//! Nobody implements the trait of a protocol.

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
impl Store for Memory {
    #[call]
    fn get(&self, key: String) -> Option<u64> {
        None
    }

    #[cast]
    fn forget(&mut self, key: String) {}
}

fn main() {}
