//! A handler that waits with `&self` needs a server that is `Sync`.

#![allow(unused)]
use noex::prelude::*;

struct Counter(std::cell::Cell<u64>);

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self(std::cell::Cell::new(0))
    }

    #[call]
    async fn get(&self) -> u64 {
        std::future::ready(()).await;
        self.0.get()
    }
}

fn main() {}
