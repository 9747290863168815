//! The protocol, decided in pure code.

#![allow(dead_code, unused_imports)]
pub(crate) mod backoff;
pub(crate) mod handshake;
pub(crate) mod membership;
