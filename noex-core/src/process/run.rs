//! `ProcessTask`: the future that runs a process, from its first poll to its last duty.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{AnyProcess, Process, Scope, catch};
use crate::call::CallError;
use crate::exit::ExitReason;
use crate::node::LocalNode;

pin_project! {
    /// Runs the body of a process within its scope, catches its panics, obeys exit requests, and
    /// does what must be done when it ends, however it ends.
    pub(crate) struct ProcessTask<M, F>
    where
        M: Send,
        M: 'static,
    {
        ending: Ending<M>,
        bound: bool,
        #[pin]
        body: Option<F>,
    }

    impl<M, F> PinnedDrop for ProcessTask<M, F>
    where
        M: Send,
        M: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The runtime shuts down: the task is dropped before it came to its end.
            if this.body.is_some() {
                this.ending.finish(ExitReason::Killed, || this.body.set(None));
            }
        }
    }
}

struct Ending<M> {
    node: LocalNode,
    process: Arc<Process<M>>,
    scope: Scope,
}

impl<M: Send + 'static, F: Future<Output = ExitReason>> ProcessTask<M, F> {
    pub(crate) fn new(process: Arc<Process<M>>, body: F) -> Self {
        let node = process.node().clone();
        let scope = Scope::of_process(node.clone(), process.pid());
        Self {
            ending: Ending {
                node,
                process,
                scope,
            },
            bound: false,
            body: Some(body),
        }
    }
}

impl<M: Send + 'static, F: Future<Output = ExitReason>> Future for ProcessTask<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let ending = this.ending;
        if !mem::replace(this.bound, true) {
            ending.process.mailbox().bind_task(cx.waker());
        }
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        let reason = match ending.process.mailbox().take_exit() {
            Some(reason) => reason,
            None => match ending.poll(|| body.poll(cx)) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(reason) => reason,
            },
        };
        ending.finish(reason, || this.body.set(None));
        Poll::Ready(())
    }
}

impl<M: Send + 'static> Ending<M> {
    fn poll(&mut self, body: impl FnOnce() -> Poll<ExitReason>) -> Poll<ExitReason> {
        self.scope.swap();
        let polled = catch(body);
        self.scope.swap();
        let polled = polled.unwrap_or_else(|panic| Poll::Ready(ExitReason::Panic(panic)));
        if polled.is_pending() && self.scope.has_unanswered() {
            for call in self.scope.take_unanswered() {
                call.fail(CallError::ReplyDropped);
            }
        }
        polled
    }

    /// The last duties, in this order: the state goes, the mailbox closes, open calls learn the
    /// reason, names become free, and only then links and monitors are told.
    fn finish(&mut self, reason: ExitReason, drop_body: impl FnOnce()) {
        let process = Arc::clone(&self.process);
        self.scope.swap();
        let dropped = catch(drop_body);
        let left = catch(|| drop(process.mailbox().close()));
        self.scope.swap();
        let late_panic = dropped.err().or_else(|| left.err());
        let reason = match (reason, late_panic) {
            (ExitReason::Normal, Some(panic)) => ExitReason::Panic(panic),
            (reason, _) => reason,
        };
        for call in self.scope.take_unanswered() {
            call.fail(CallError::Exited(reason.clone()));
        }
        self.node
            .process_ended(&*process as &dyn AnyProcess, &reason);
    }
}
