//! A message owns what it carries.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
trait Store {
    #[call]
    fn get(&self, key: &str) -> Option<u64>;
}

fn main() {}
