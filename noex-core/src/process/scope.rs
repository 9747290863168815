//! What the code that runs on this thread belongs to: a node, perhaps a process.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use super::{AnyProcess, Process, catch};
use crate::call::{CallError, Duty, Remote};
use crate::id::Pid;
use crate::node::LocalNode;

/// A call whose reply handle was dropped unanswered.
#[derive(Debug)]
pub(crate) enum Unanswered {
    Local(Duty),
    Remote(Remote),
}

impl Unanswered {
    pub(crate) fn fail(self, error: CallError) {
        match self {
            Self::Local(duty) => duty.fail(error),
            Self::Remote(remote) => remote.fail(error),
        }
    }
}

/// A node, and perhaps the process in whose poll the code runs.
#[derive(Debug, Default)]
pub(crate) enum Scope {
    #[default]
    Nowhere,
    Node(LocalNode),
    Process(Arc<dyn AnyProcess>),
}

#[derive(Debug)]
struct Current {
    scope: Scope,
    /// Handles that were dropped in the polls that are under way, the innermost last.
    unanswered: Vec<Unanswered>,
}

thread_local! {
    static CURRENT: RefCell<Current> = const {
        RefCell::new(Current { scope: Scope::Nowhere, unanswered: Vec::new() })
    };
    /// What is dropped now found no room.
    static DISCARDING: Cell<bool> = const { Cell::new(false) };
    static BOUND: RefCell<Option<Arc<OnceLock<LocalNode>>>> = const { RefCell::new(None) };
}

impl Scope {
    /// Puts this scope in the place of the thread's until the guard is dropped.
    pub(crate) fn enter(&mut self) -> ScopeGuard<'_> {
        self.swap();
        ScopeGuard(self)
    }

    /// Puts this scope in the place of the thread's, or back. How many handles were dropped
    /// unanswered so far.
    fn swap(&mut self) -> usize {
        CURRENT.with_borrow_mut(|current| {
            std::mem::swap(&mut current.scope, self);
            current.unanswered.len()
        })
    }

    /// Runs `work` in this scope. Also the reply handles that it dropped, if any.
    pub(crate) fn run<T>(&mut self, work: impl FnOnce() -> T) -> (T, Option<Vec<Unanswered>>) {
        let before = self.swap();
        let done = work();
        let dropped = self.swap() > before;
        let take = |current: &mut Current| current.unanswered.split_off(before);
        (done, dropped.then(|| CURRENT.with_borrow_mut(take)))
    }
}

/// Takes its scope back when it is dropped, also by a panic.
pub(crate) struct ScopeGuard<'a>(&'a mut Scope);

impl Drop for ScopeGuard<'_> {
    fn drop(&mut self) {
        self.0.swap();
    }
}

/// A reply handle was dropped. Inside a process it is settled when the poll is over, because only
/// then it is known whether the process ended with it.
pub(crate) fn leave_unanswered(call: Unanswered) {
    if DISCARDING.try_with(Cell::get).unwrap_or_default() {
        call.fail(CallError::Full);
    } else if current_pid().is_none() {
        call.fail(CallError::ReplyDropped);
    } else {
        CURRENT.with_borrow_mut(|current| current.unanswered.push(call));
    }
}

/// Drops messages that found no room: the calls among them learn of that.
pub(crate) fn discard<T>(messages: T) {
    DISCARDING.with(|discarding| discarding.set(true));
    // A message whose drop panics is its sender's matter; the mark must not stay.
    let dropped = catch(|| drop(messages));
    DISCARDING.with(|discarding| discarding.set(false));
    if let Err(panic) = dropped {
        tracing::error!(%panic, "a message that found no room panicked as it was dropped");
    }
}

/// The process in whose code this runs, if any.
#[must_use]
pub fn current_pid() -> Option<Pid> {
    // Handles and futures may outlive the scope of a thread that ends: no process is left then.
    let pid = CURRENT.try_with(|current| match &current.borrow().scope {
        Scope::Process(process) => Some(process.pid()),
        Scope::Node(_) | Scope::Nowhere => None,
    });
    pid.unwrap_or_default()
}

/// Where the process is in whose code this runs; 0 if there is none. It costs less than a pid.
#[inline]
pub(crate) fn current_address() -> usize {
    let address = CURRENT.try_with(|current| match &current.borrow().scope {
        Scope::Process(process) => Arc::as_ptr(process).cast::<()>().addr(),
        Scope::Node(_) | Scope::Nowhere => 0,
    });
    address.unwrap_or_default()
}

/// Whether the code that runs is of this very process.
pub(super) fn is_current<M>(process: &Process<M>) -> bool {
    current_address() == std::ptr::from_ref(process).addr()
}

pub(crate) fn current_node() -> Option<LocalNode> {
    let entered = CURRENT.try_with(|current| match &current.borrow().scope {
        Scope::Process(process) => Some(process.node().clone()),
        Scope::Node(node) => Some(node.clone()),
        Scope::Nowhere => None,
    });
    entered.unwrap_or_default().or_else(|| {
        let bound = BOUND.try_with(|bound| bound.borrow().as_ref()?.get().cloned());
        bound.unwrap_or_default()
    })
}

/// Binds this thread to the node that `cell` holds or will hold.
pub(crate) fn bind_thread(cell: Arc<OnceLock<LocalNode>>) {
    BOUND.with_borrow_mut(|bound| *bound = Some(cell));
}

/// Makes a node the current one on this thread until it is dropped.
pub struct EnterGuard {
    before: Scope,
    _not_send: PhantomData<*const ()>,
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        self.before.swap();
    }
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnterGuard")
    }
}

pub(crate) fn enter_node(node: LocalNode) -> EnterGuard {
    let mut before = Scope::Node(node);
    before.swap();
    EnterGuard {
        before,
        _not_send: PhantomData,
    }
}
