//! Feeds `noex_cluster::fuzzing::handshake`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| noex_cluster::fuzzing::handshake(bytes));
