//! A handler that waits can move to another thread.

#![allow(unused)]
use noex::prelude::*;

struct Counter;

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self
    }

    #[call]
    async fn get(&mut self) -> u64 {
        let n = std::rc::Rc::new(1);
        std::future::ready(()).await;
        *n
    }
}

fn main() {}
