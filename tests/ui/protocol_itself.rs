//! A protocol has many servers.

#![allow(unused)]

use noex::prelude::*;

#[noex::protocol]
trait Store {
    #[call]
    fn this(&self) -> ServerRef<Self>;

    #[call]
    fn from(&self) -> String;
}

fn main() {}
