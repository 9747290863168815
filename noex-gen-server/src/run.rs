//! The life of a server: names, `init`, one message after the other, `terminate`.

use std::future::{Future, poll_fn};
use std::task::{self, Poll};

use noex_core::call::{CallGuard, Inbound, ReplyTo};
use noex_core::inspect::MessageKind;
use noex_core::mailbox::{Incoming, Info};
use noex_core::process::{Inbox, Receiver, catch};
use noex_core::{CallError, ExitReason, Pid};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use crate::agenda::Message;
use crate::context::Deadline;
use crate::handling::Handling;
use crate::protocols::Decoder;
use crate::request::protocol_of;
use crate::{Accepted, Context, Flow, GenServer, Name, Request, StartError};

/// What a new server is given.
pub(crate) struct Birth<S: GenServer> {
    pub(crate) args: S::Args,
    pub(crate) names: Vec<Box<dyn Name>>,
    pub(crate) ready: ReplyTo<Result<(), StartError>>,
}

/// The first phase of a server's life, up to the end of `init`; its output is the other one. So
/// what only the first one needs takes up no room later.
pub(crate) fn serve<S: GenServer>(
    receiver: Receiver<Request<S>>,
    birth: Birth<S>,
) -> impl Future<Output = Result<impl Future<Output = ExitReason> + Send, ExitReason>> + Send {
    let Birth { args, names, ready } = birth;
    Accepted::<S>::open_all();
    let (process, inbox) = receiver.into_parts();
    let mut cx = Context::new(process);
    // Answered here, so that the future need not keep the error.
    let ready = register(names, &cx, ready);
    async move {
        let ready = ready.ok_or(ExitReason::Normal)?;
        let state = match S::init(args, &mut cx).await {
            Ok(state) => state,
            Err(reason) => {
                ready.send(Err(StartError::Init(reason.clone())));
                return Err(reason);
            }
        };
        ready.send(Ok(()));
        Ok(live(Life { cx, inbox }, state))
    }
}

/// What a server has besides its state.
struct Life<S: GenServer> {
    cx: Context<S>,
    inbox: Inbox<Request<S>>,
}

impl<S: GenServer> Life<S> {
    /// Does what is to be done between two messages. Whether there is something to go on with.
    #[cold]
    fn is_to_continue(&mut self) -> bool {
        let (node, pid) = (self.cx.node(), self.cx.pid());
        if self.cx.agenda().between(node, pid) {
            self.inbox.shrink(self.cx.process());
        }
        self.cx.agenda().has_continuation()
    }

    // One capture of its caller's, not two: it lives for as long as the server waits.
    fn poll_next(
        &mut self,
        place: &mut Option<Incoming<Request<S>>>,
        waker: &mut task::Context<'_>,
    ) -> Poll<()> {
        self.inbox.poll_next(self.cx.process(), place, waker)
    }
}

/// The second phase: one message after the other, and the end.
#[expect(
    clippy::manual_async_fn,
    reason = "the arguments of an async function are kept twice, for as long as it runs"
)]
fn live<S: GenServer>(mut life: Life<S>, mut state: S) -> impl Future<Output = ExitReason> + Send {
    async move {
        let reason = loop {
            let continues = life.cx.is_agenda_pending() && life.is_to_continue();
            if continues {
                // A server that continues for ever must let others run, and can be killed.
                consume_budget().await;
            }
            // No arm awaits: the message would be kept for as long as its handler runs.
            let handling = if continues && let Some(value) = life.cx.next_continuation() {
                Handling::of_continue(state.handle_continue(value, &mut life.cx))
            } else {
                let mut next = None;
                poll_fn(|waker| life.poll_next(&mut next, waker)).await;
                match next {
                    Some(Incoming::Message(Request::Cast(cast))) => {
                        life.cx.process().note_kind(MessageKind::Cast);
                        Handling::of_cast(state.handle_cast(cast, &mut life.cx))
                    }
                    Some(Incoming::Message(Request::Call(call, guard)))
                        if admit(guard, &mut life.cx) =>
                    {
                        Handling::of_call(state.handle_call(call, &mut life.cx))
                    }
                    Some(Incoming::Message(Request::Call(..))) | None => {
                        Handling::done(Flow::Continue)
                    }
                    Some(other) => match open(other, &mut life.cx) {
                        Todo::Call(call) => {
                            Handling::of_call(state.handle_call(call, &mut life.cx))
                        }
                        Todo::Cast(cast) => {
                            Handling::of_cast(state.handle_cast(cast, &mut life.cx))
                        }
                        Todo::Info(info) => {
                            Handling::of_info(state.handle_info(info, &mut life.cx))
                        }
                        Todo::Show(reply) => Handling::of_show(state.show(reply)),
                        Todo::Stop(reason) => Handling::done(Flow::Stop(reason)),
                        Todo::Nothing => Handling::done(Flow::Continue),
                    },
                }
            };
            let flow = match handling.await {
                Ok(flow) => flow,
                Err(panic) => {
                    // What the state's drop panics with is not why it ended.
                    let _dropped = catch(|| drop(state));
                    return ExitReason::Panic(panic);
                }
            };
            life.cx.set_deadline(Deadline::None);
            if let Flow::Stop(reason) = flow {
                break reason;
            }
        };
        state.terminate(&reason, &mut life.cx).await;
        reason
    }
}

/// Registers the server under its names, or tells its starter why not.
fn register<S: GenServer>(
    names: Vec<Box<dyn Name>>,
    cx: &Context<S>,
    ready: ReplyTo<Result<(), StartError>>,
) -> Option<ReplyTo<Result<(), StartError>>> {
    for name in names {
        if let Err(error) = name.register(cx.node(), cx.pid()) {
            ready.send(Err(StartError::of_name(&error, cx.pid())));
            return None;
        }
    }
    Some(ready)
}

/// Whether a call of this node is to be handled.
#[inline]
fn admit<S: GenServer>(guard: CallGuard, cx: &mut Context<S>) -> bool {
    cx.process().note_kind(MessageKind::Call);
    let unwanted = guard.unwanted(cx.node());
    if let Some(why) = unwanted {
        cx.count_skipped(why);
    } else {
        cx.set_deadline(Deadline::OfCall(guard));
    }
    unwanted.is_none()
}

/// What a server is to do about something that came.
enum Todo<S: GenServer> {
    Call(S::Call),
    Cast(S::Cast),
    Info(Info),
    /// To show its state.
    Show(ReplyTo<Option<String>>),
    Stop(ExitReason),
    Nothing,
}

// Not inline: it is most of the code, and few messages come here.
#[inline(never)]
fn open<S: GenServer>(incoming: Incoming<Request<S>>, cx: &mut Context<S>) -> Todo<S> {
    match incoming {
        // The common ones were looked for before: each move costs as much as the rest.
        Incoming::Message(Request::Call(call, _)) => Todo::Call(call),
        Incoming::Message(Request::Cast(cast)) => Todo::Cast(cast),
        Incoming::Encoded(inbound) => {
            cx.process().note_kind(MessageKind::of_encoded(&inbound));
            open_encoded(*inbound, cx)
        }
        Incoming::Info(info) => {
            cx.process().note_info(&info);
            open_info(*info, cx)
        }
    }
}

fn open_info<S: GenServer>(info: Info, cx: &Context<S>) -> Todo<S> {
    match info {
        Info::Stop(reason) => Todo::Stop(reason),
        Info::Exit(exit) if Some(exit.from) == cx.parent() => Todo::Stop(exit.reason),
        Info::Timer(timer) => match cx.agenda().due(cx.node(), cx.pid(), timer) {
            Some(Message::Cast(cast)) => Todo::Cast(cast),
            Some(Message::Info(info)) => Todo::Info(info),
            // The number of a cancelled timer is no message.
            None => Todo::Nothing,
        },
        Info::Describe(reply) => {
            cx.overlook();
            Todo::Show(reply)
        }
        info => Todo::Info(info),
    }
}

/// Opens a message from another node, which this process decodes itself.
fn open_encoded<S: GenServer>(inbound: Inbound, cx: &mut Context<S>) -> Todo<S> {
    let Some(decoder) = Decoder::<S>::find(inbound.protocol(), protocol_of::<S>()) else {
        inbound.fail(&CallError::WrongServer);
        return Todo::Nothing;
    };
    if let Some(why) = inbound.unwanted(Instant::now()) {
        cx.count_skipped(why);
        inbound.fail(&CallError::Timeout);
        return Todo::Nothing;
    }
    let from = inbound.from();
    let decoded = if inbound.is_call() {
        cx.set_deadline(Deadline::from(inbound.deadline()));
        decoder.call(inbound).map(Todo::Call)
    } else {
        decoder.cast(inbound).map(Todo::Cast)
    };
    decoded.unwrap_or_else(|error| refuse(cx.pid(), from, &error))
}

/// A caller was told by the decoder; the sender of a cast finds it in this node's log only.
fn refuse<S: GenServer>(pid: Pid, from: Option<Pid>, error: &CallError) -> Todo<S> {
    tracing::warn!(%pid, ?from, %error, "a message does not decode as this server's; dropped");
    Todo::Nothing
}
