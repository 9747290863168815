//! Whether a handler waits is its own matter.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
trait Store {
    #[call]
    async fn get(&self, key: String) -> u64;

    #[call]
    fn put(&mut self, key: String, cx: &mut Context<Memory>);

    #[cast]
    fn forget(&mut self, key: String) -> Flow;
}

fn main() {}
