//! The entry point has no parameters.

#![allow(unused)]

#[noex::main]
async fn main<T>() {}
