//! A server can move to another thread.

#![allow(unused)]
use noex::prelude::*;

struct Counter(std::rc::Rc<u64>);

#[noex::server]
impl Counter {
    fn init() -> Self {
        Self(std::rc::Rc::new(0))
    }

    #[call]
    fn get(&self) -> u64 {
        *self.0
    }
}

fn main() {}
