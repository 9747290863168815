//! Arguments that there are.

#![allow(unused)]

#[noex::main(threads = 4)]
async fn main() {}
