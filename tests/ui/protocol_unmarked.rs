//! Each message is a call or a cast.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
trait Store {
    fn get(&self, key: String) -> u64;

    #[info]
    fn down(&mut self, down: noex::Down);
}

fn main() {}
