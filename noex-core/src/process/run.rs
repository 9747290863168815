//! `ProcessTask`: the future that runs a process, from its first poll to its last duty.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{AnyProcess, Scope, Unanswered, catch};
use crate::call::CallError;
use crate::exit::ExitReason;

pin_project! {
    /// Runs the body of a process within its scope, catches its panics, obeys exit requests, and
    /// does what must be done when it ends, however it ends.
    pub(crate) struct ProcessTask<F> {
        scope: Scope,
        bound: bool,
        #[pin]
        body: Option<F>,
    }

    impl<F> PinnedDrop for ProcessTask<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The runtime shuts down: the task is dropped before it came to its end.
            if this.body.is_some() {
                finish(this.scope, ExitReason::Killed, None, || this.body.set(None));
            }
        }
    }
}

impl<F: Future<Output = ExitReason>> ProcessTask<F> {
    pub(crate) const fn new(process: Arc<dyn AnyProcess>, body: F) -> Self {
        Self {
            scope: Scope::Process(process),
            bound: false,
            body: Some(body),
        }
    }
}

impl<F: Future<Output = ExitReason>> Future for ProcessTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let (Scope::Process(process), Some(body)) = (&*this.scope, this.body.as_mut().as_pin_mut())
        else {
            return Poll::Ready(());
        };
        if !mem::replace(this.bound, true) {
            process.bind_task(cx.waker());
        }
        let (reason, unanswered) = match process.take_exit() {
            Some(reason) => (reason, None),
            None => match poll(this.scope, || body.poll(cx)) {
                (Poll::Pending, unanswered) => {
                    if let Some(unanswered) = unanswered {
                        fail_all(unanswered);
                    }
                    return Poll::Pending;
                }
                (Poll::Ready(reason), unanswered) => (reason, unanswered),
            },
        };
        finish(this.scope, reason, unanswered, || this.body.set(None));
        Poll::Ready(())
    }
}

#[cold]
fn fail_all(unanswered: Vec<Unanswered>) {
    for call in unanswered {
        call.fail(CallError::ReplyDropped);
    }
}

/// Also the reply handles that the body dropped.
fn poll(
    scope: &mut Scope,
    body: impl FnOnce() -> Poll<ExitReason>,
) -> (Poll<ExitReason>, Option<Vec<Unanswered>>) {
    let (polled, unanswered) = scope.run(|| catch(body));
    let polled = polled.unwrap_or_else(|panic| Poll::Ready(ExitReason::Panic(panic)));
    (polled, unanswered)
}

/// The last duties, in this order: the state goes, the mailbox closes, open calls learn the
/// reason, names become free, and only then links and monitors are told.
fn finish(
    scope: &mut Scope,
    reason: ExitReason,
    unanswered: Option<Vec<Unanswered>>,
    drop_body: impl FnOnce(),
) {
    let Scope::Process(process) = &*scope else {
        return;
    };
    let process = Arc::clone(process);
    let ((dropped, left), late) = scope.run(|| (catch(drop_body), catch(|| process.close())));
    let late_panic = dropped.err().or_else(|| left.err());
    let reason = match (reason, late_panic) {
        (ExitReason::Normal, Some(panic)) => ExitReason::Panic(panic),
        (reason, _) => reason,
    };
    for call in unanswered.into_iter().chain(late).flatten() {
        call.fail(CallError::Exited(reason.clone()));
    }
    process.node().process_ended(&*process, &reason);
}
