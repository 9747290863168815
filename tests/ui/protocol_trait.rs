//! A protocol is one set of messages, and nothing else.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
trait Store<T> {
    #[call]
    fn get(&self, key: String) -> u64;
}

#[noex::protocol]
trait Audited: Send {
    type Key;

    #[call]
    fn done(&self) -> u64;
}

#[noex::protocol(local)]
trait Counter {
    #[call]
    fn count(&self) -> u64;
}

fn main() {}
