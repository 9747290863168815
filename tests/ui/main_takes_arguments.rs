//! The entry point takes nothing.

#![allow(unused)]

#[noex::main]
async fn main(arguments: Vec<String>) {}
