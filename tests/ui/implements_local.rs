//! The messages of a protocol travel.

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

#[noex::server(local, implements(Store))]
impl Memory {
    fn init() -> Self {
        Self
    }

    #[call]
    fn get(&self, key: String) -> Option<u64> {
        None
    }

    #[cast]
    fn forget(&mut self, key: String) {}
}

struct Disk;

#[noex::server(implements)]
impl Disk {
    fn init() -> Self {
        Self
    }
}

fn main() {}
