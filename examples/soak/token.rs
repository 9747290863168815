//! `Token`: what is counted while it lives.

use std::sync::atomic::{AtomicUsize, Ordering};

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// A part of each server, message, timer and task; all that live are counted.
#[derive(Debug)]
pub(crate) struct Token(());

impl Token {
    pub(crate) fn new() -> Self {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// How many live.
    pub(crate) fn count() -> usize {
        LIVE.load(Ordering::Relaxed)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}
