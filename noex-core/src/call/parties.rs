//! `Parties`: who waits for whom in a call.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::process::{Process, current_address};

/// Who waits for whom in a call of this node: the addresses of the two processes, which cost less
/// to come by than their pids. 0 stands for what is no process, or is of another node.
///
/// # Examples
/// ```
/// use noex_core::call::Parties;
///
/// assert!(!Parties::none().is_same(), "this is no process");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties {
    caller: usize,
    /// With [`FAILS`] if a deadlock is to fail the call.
    callee: usize,
}

/// A deadlock is to fail the call. A process is at an even address.
const FAILS: usize = 1;

/// In the place of the callee: the call is to fail, since it waits for itself.
const DEADLOCK: usize = usize::MAX;

/// What is kept of the parties of a cell's call.
#[derive(Debug)]
pub(crate) struct PartiesCell([AtomicUsize; 2]);

impl Parties {
    /// Nobody that could wait for anybody.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            caller: 0,
            callee: 0,
        }
    }

    /// The code that runs calls `callee`.
    #[must_use]
    #[inline]
    pub fn with<M>(callee: &Process<M>) -> Self {
        Self {
            caller: current_address(),
            callee: std::ptr::from_ref(callee).addr(),
        }
    }

    /// A deadlock fails the call.
    #[must_use]
    pub const fn fail_on_deadlock(mut self, fail: bool) -> Self {
        if fail {
            self.callee |= FAILS;
        }
        self
    }

    /// Whether a process calls itself.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.caller != 0 && self.caller == self.callee()
    }

    pub(super) const fn caller(&self) -> usize {
        self.caller
    }

    pub(super) const fn callee(&self) -> usize {
        self.callee & !FAILS
    }

    pub(super) const fn is_to_fail(&self) -> bool {
        self.callee & FAILS != 0
    }

    /// Whether both are processes of this node, of a call that has not failed.
    pub(super) const fn is_edge(&self) -> bool {
        self.caller != 0 && self.callee() != 0 && self.callee != DEADLOCK
    }
}

impl PartiesCell {
    pub(super) const fn new() -> Self {
        Self([AtomicUsize::new(0), AtomicUsize::new(0)])
    }

    #[inline]
    pub(super) fn set(&self, parties: Parties) {
        self.0[0].store(parties.caller, Ordering::Relaxed);
        self.0[1].store(parties.callee, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Parties {
        Parties {
            caller: self.0[0].load(Ordering::Relaxed),
            callee: self.0[1].load(Ordering::Relaxed),
        }
    }

    /// Leaves word that the call waits for itself. Tells whether it is still the one of `parties`.
    pub(super) fn condemn(&self, parties: Parties) -> bool {
        self.exchange(parties.callee, DEADLOCK)
    }

    /// Takes that back.
    pub(super) fn acquit(&self, parties: Parties) {
        // Where it fails, the cell is another call's by now.
        self.exchange(DEADLOCK, parties.callee);
    }

    /// Whether the call was found to wait for itself.
    pub(super) fn is_condemned(&self) -> bool {
        self.0[1].load(Ordering::Relaxed) == DEADLOCK
    }

    fn exchange(&self, before: usize, after: usize) -> bool {
        self.0[1]
            .compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}
