//! A runtime has a thread.

#![allow(unused)]

#[noex::main(worker_threads = 0)]
async fn main() {}
