//! README.md, so that the snippet it opens with is compiled.
#![doc = include_str!("../README.md")]
