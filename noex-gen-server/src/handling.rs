//! `Handling`: the handler that runs, whichever it is.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use noex_core::Panic;
use noex_core::process::catch;
use pin_project_lite::pin_project;

use crate::Flow;

pin_project! {
    /// The handler that runs, whichever it is: one place for all of them. Its panic ends here,
    /// close to where it happens: each function that it passes through costs it time, and a state
    /// that is dropped by it must not panic, which one that is dropped behind it may.
    #[project = Running]
    pub(crate) enum Handling<C, T, I, V, D> {
        Call { #[pin] call: C },
        Cast { #[pin] cast: T },
        Info { #[pin] info: I },
        Continue { #[pin] value: V },
        Show { #[pin] state: D },
        Done { flow: Flow },
    }
}

impl<C, T, I, V, D> Handling<C, T, I, V, D> {
    pub(crate) const fn of_call(call: C) -> Self {
        Self::Call { call }
    }

    pub(crate) const fn of_cast(cast: T) -> Self {
        Self::Cast { cast }
    }

    pub(crate) const fn of_info(info: I) -> Self {
        Self::Info { info }
    }

    pub(crate) const fn of_continue(value: V) -> Self {
        Self::Continue { value }
    }

    pub(crate) const fn of_show(state: D) -> Self {
        Self::Show { state }
    }

    /// There is nothing to run.
    pub(crate) const fn done(flow: Flow) -> Self {
        Self::Done { flow }
    }
}

impl<C, T, I, V, D> Future for Handling<C, T, I, V, D>
where
    C: Future<Output = Flow>,
    T: Future<Output = Flow>,
    I: Future<Output = Flow>,
    V: Future<Output = Flow>,
    D: Future<Output = Flow>,
{
    type Output = Result<Flow, Panic>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch(|| match self.project() {
            Running::Call { call } => call.poll(cx),
            Running::Cast { cast } => cast.poll(cx),
            Running::Info { info } => info.poll(cx),
            Running::Continue { value } => value.poll(cx),
            Running::Show { state } => state.poll(cx),
            Running::Done { flow } => Poll::Ready(mem::replace(flow, Flow::Continue)),
        });
        match polled {
            Ok(flow) => flow.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
