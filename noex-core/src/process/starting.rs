//! `StartingPlace`: whether a process may do what it does first within the code that starts it.

use std::cell::Cell;
use std::marker::PhantomData;

use tokio::runtime::Handle;

/// How many processes may be starting within each other on one thread: each takes its part of the
/// thread's stack.
const DEPTH_MAX: u8 = 8;

thread_local! {
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

/// A process does what it does first on this thread, until this is dropped.
pub(super) struct StartingPlace(PhantomData<*const ()>);

impl StartingPlace {
    /// This thread, if it is one of `runtime`'s that has room for it.
    pub(super) fn find(runtime: &Handle) -> Option<Self> {
        let depth = DEPTH.get();
        let is_within = || Handle::try_current().is_ok_and(|here| here.id() == runtime.id());
        (depth < DEPTH_MAX && is_within()).then(|| {
            DEPTH.set(depth + 1);
            Self(PhantomData)
        })
    }
}

impl Drop for StartingPlace {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
