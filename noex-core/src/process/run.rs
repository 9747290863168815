//! `ProcessTask`: the future that runs a process, from its first poll to its last duty.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::phases::Phases;
use super::{AnyProcess, Scope, Unanswered, catch};
use crate::call::CallError;
use crate::exit::ExitReason;
use crate::mailbox::{EXIT, UNBOUND};

pin_project! {
    /// Runs the body of a process within its scope, catches its panics, obeys exit requests, and
    /// does what must be done when it ends, however it ends.
    pub(crate) struct ProcessTask<I, L>
    where
        I: Future<Output = Result<L, ExitReason>>,
        L: Future<Output = ExitReason>,
    {
        // None while it is polled, and when it has ended.
        process: Option<Arc<dyn AnyProcess>>,
        #[pin]
        body: Phases<I, L>,
    }

    impl<I, L> PinnedDrop for ProcessTask<I, L>
    where
        I: Future<Output = Result<L, ExitReason>>,
        L: Future<Output = ExitReason>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The runtime shuts down: the task is dropped before it came to its end.
            if let Some(process) = this.process.take() {
                finish(&process, ExitReason::Killed, None, || this.body.set(Phases::Over));
            }
        }
    }
}

impl<I, L> ProcessTask<I, L>
where
    I: Future<Output = Result<L, ExitReason>>,
    L: Future<Output = ExitReason>,
{
    pub(crate) fn new(process: Arc<dyn AnyProcess>, body: Phases<I, L>) -> Self {
        Self {
            process: Some(process),
            body,
        }
    }

    pub(crate) const fn has_start(&self) -> bool {
        matches!(self.body, Phases::Start { .. })
    }

    /// Polls what the process does first, ahead of its task. `Ready`: it has ended.
    pub(crate) fn poll_start(self: Pin<&mut Self>) -> Poll<()> {
        // The task polls it again, with its own waker.
        let mut cx = Context::from_waker(Waker::noop());
        self.step(None, |body| body.poll_start(&mut cx))
    }

    /// Binds the process to the task of `waker`, which runs it from now on.
    #[inline]
    fn step(
        self: Pin<&mut Self>,
        waker: Option<&Waker>,
        poll: impl FnOnce(Pin<&mut Phases<I, L>>) -> Poll<ExitReason>,
    ) -> Poll<()> {
        let mut this = self.project();
        let Some(process) = this.process.take() else {
            return Poll::Ready(());
        };
        let mut ahead = process.ahead();
        if ahead & UNBOUND != 0
            && let Some(waker) = waker
        {
            process.bind_task(waker);
            ahead = process.ahead();
        }
        if ahead & EXIT != 0
            && let Some(reason) = process.take_exit()
        {
            finish(&process, reason, None, || this.body.set(Phases::Over));
            return Poll::Ready(());
        }
        let mut scope = Scope::Process(process);
        let (polled, unanswered) = scope.run(|| catch(|| poll(this.body.as_mut())));
        let Scope::Process(process) = scope else {
            return Poll::Ready(());
        };
        match polled.unwrap_or_else(|panic| Poll::Ready(ExitReason::Panic(panic))) {
            Poll::Pending => {
                *this.process = Some(process);
                if let Some(unanswered) = unanswered {
                    fail_all(unanswered);
                }
                Poll::Pending
            }
            Poll::Ready(reason) => {
                finish(&process, reason, unanswered, || {
                    this.body.set(Phases::Over);
                });
                Poll::Ready(())
            }
        }
    }
}

impl<I, L> Future for ProcessTask<I, L>
where
    I: Future<Output = Result<L, ExitReason>>,
    L: Future<Output = ExitReason>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.step(Some(cx.waker()), |body| body.poll(cx))
    }
}

#[cold]
fn fail_all(unanswered: Vec<Unanswered>) {
    for call in unanswered {
        call.fail(CallError::ReplyDropped);
    }
}

/// The last duties, in this order: the state goes, the mailbox closes, open calls learn the
/// reason, names become free, and only then links and monitors are told.
#[inline(never)]
fn finish(
    process: &Arc<dyn AnyProcess>,
    reason: ExitReason,
    unanswered: Option<Vec<Unanswered>>,
    drop_body: impl FnOnce(),
) {
    let mut scope = Scope::Process(Arc::clone(process));
    let ((dropped, left), late) = scope.run(|| (catch(drop_body), catch(|| process.close())));
    let late_panic = dropped.err().or_else(|| left.err());
    let reason = match (reason, late_panic) {
        (ExitReason::Normal, Some(panic)) => ExitReason::Panic(panic),
        (reason, _) => reason,
    };
    for call in unanswered.into_iter().chain(late).flatten() {
        call.fail(CallError::Exited(reason.clone()));
    }
    process.node().process_ended(&**process, &reason);
}
