//! `OnThread`: the process of a server with a thread of its own.

use std::any::Any;
use std::fmt;

use crossbeam_channel::Sender;
use noex_core::mailbox::Info;
use noex_core::process::DroppedReplies;
use noex_core::{ExitReason, ReplyTo};
use tokio::sync::oneshot;

use super::thread::{Done, Job, Order, start};
use super::{BlockingContext, BlockingServer};
use crate::{Flow, GenServer};

/// The server that runs a [`BlockingServer`]; started by [`BlockingServer::start`].
///
/// It is an ordinary process, which hands each message to the thread and waits until it is
/// handled. So order, bounds, deadlines and exit signals are those of every process.
pub struct OnThread<B: BlockingServer> {
    thread: Sender<Order<B>>,
    /// It panicked: there is no state to terminate.
    broken: bool,
    /// Handles that were dropped by what ended the server; they go with it.
    last_dropped: Option<DroppedReplies>,
}

impl<B: BlockingServer> OnThread<B> {
    async fn perform(&mut self, job: Job<B>) -> Flow {
        let (done, outcome) = oneshot::channel();
        let sent = self.thread.try_send(Order { job, done });
        let Done { flow, dropped } = match (sent, outcome.await) {
            (Ok(()), Ok(done)) => done,
            _gone => {
                self.broken = true;
                return Flow::Stop(ExitReason::error("the server's thread is gone"));
            }
        };
        let flow = flow.unwrap_or_else(|panic| {
            self.broken = true;
            Flow::Stop(ExitReason::Panic(panic))
        });
        if flow != Flow::Continue {
            self.last_dropped = Some(dropped);
        }
        flow
    }
}

impl<B: BlockingServer> GenServer for OnThread<B> {
    type Args = B::Args;
    type Call = B::Call;
    type Cast = B::Cast;

    async fn init(args: B::Args, cx: &mut BlockingContext<B>) -> Result<Self, ExitReason> {
        let thread = start(cx.twin())?;
        let mut server = Self {
            thread,
            broken: false,
            last_dropped: None,
        };
        match server.perform(Job::Init(args)).await {
            Flow::Continue => Ok(server),
            Flow::Stop(reason) => Err(reason),
        }
    }

    async fn handle_call(&mut self, call: B::Call, cx: &mut BlockingContext<B>) -> Flow {
        self.perform(Job::Call(call, cx.deadline_mark())).await
    }

    async fn handle_cast(&mut self, cast: B::Cast, _cx: &mut BlockingContext<B>) -> Flow {
        self.perform(Job::Cast(cast)).await
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut BlockingContext<B>) -> Flow {
        self.perform(Job::Info(info)).await
    }

    async fn handle_continue(
        &mut self,
        value: Box<dyn Any + Send>,
        _cx: &mut BlockingContext<B>,
    ) -> Flow {
        self.perform(Job::Continue(value)).await
    }

    async fn terminate(&mut self, reason: &ExitReason, cx: &mut BlockingContext<B>) {
        if self.broken {
            return;
        }
        if let Flow::Stop(error) = self.perform(Job::End(reason.clone())).await {
            tracing::error!(pid = %cx.pid(), reason = %error, "a server's terminate failed");
        }
    }

    async fn show(&mut self, reply: ReplyTo<Option<String>>) -> Flow {
        self.perform(Job::Describe(reply)).await
    }

    fn protocol() -> &'static str {
        B::protocol()
    }
}

impl<B: BlockingServer> fmt::Debug for OnThread<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnThread")
    }
}
