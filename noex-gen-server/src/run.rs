//! The life of a server: names, `init`, one message after the other, `terminate`.

use std::future::poll_fn;

use noex_core::call::{Inbound, ReplyTo};
use noex_core::inspect::MessageKind;
use noex_core::mailbox::{Incoming, Info};
use noex_core::process::Receiver;
use noex_core::{CallError, ExitReason, Pid, TimerRef};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use crate::agenda::Message;
use crate::context::Deadline;
use crate::protocols::Decoder;
use crate::request::protocol_of;
use crate::{Accepted, Context, Flow, GenServer, Name, Request, ServerRef, StartError};

/// What a new server is given.
pub(crate) struct Birth<S: GenServer> {
    pub(crate) args: S::Args,
    pub(crate) names: Vec<Box<dyn Name>>,
    pub(crate) parent: Option<Pid>,
    pub(crate) ready: ReplyTo<Result<(), StartError>>,
}

pub(crate) async fn serve<S: GenServer>(
    mut receiver: Receiver<Request<S>>,
    birth: Birth<S>,
) -> ExitReason {
    let Birth {
        args,
        names,
        parent,
        ready,
    } = birth;
    let node = receiver.node().clone();
    let server = ServerRef::local(receiver.process().clone());
    let mut cx = Context::new(server, node, parent);
    Accepted::<S>::open_all();
    for name in names {
        if let Err(error) = name.register(cx.node(), cx.pid()) {
            ready.send(Err(StartError::of_name(&error, cx.pid())));
            return ExitReason::Normal;
        }
    }
    let mut state = match S::init(args, &mut cx).await {
        Ok(state) => state,
        Err(reason) => {
            ready.send(Err(StartError::Init(reason.clone())));
            return reason;
        }
    };
    ready.send(Ok(()));
    let reason = live(&mut state, &mut receiver, &mut cx).await;
    cx.set_deadline(Deadline::None);
    state.terminate(&reason, &mut cx).await;
    reason
}

/// Handles messages until one of them ends the server.
async fn live<S: GenServer>(
    state: &mut S,
    receiver: &mut Receiver<Request<S>>,
    cx: &mut Context<S>,
) -> ExitReason {
    let protocol = protocol_of::<S>();
    let mut flow = Flow::Continue;
    loop {
        if cx.agenda().is_pending() {
            // Boxed, as it is rare: each future within this one makes every server larger.
            flow = Box::pin(between(state, flow, receiver, cx)).await;
        }
        if let Flow::Stop(reason) = flow {
            return reason;
        }
        let mut next = None;
        poll_fn(|cx| receiver.poll_next(&mut next, cx)).await;
        flow = match next {
            None => Flow::Continue,
            Some(Incoming::Message(Request::Call(call, guard))) => {
                receiver.note_kind(MessageKind::Call);
                if let Some(why) = guard.unwanted(cx.node()) {
                    cx.count_skipped(why);
                    Flow::Continue
                } else {
                    cx.set_deadline(Deadline::OfCall(guard));
                    let flow = state.handle_call(call, cx).await;
                    cx.set_deadline(Deadline::None);
                    flow
                }
            }
            Some(Incoming::Message(Request::Cast(cast))) => {
                receiver.note_kind(MessageKind::Cast);
                state.handle_cast(cast, cx).await
            }
            Some(Incoming::Encoded(inbound)) => {
                receiver.note_kind(MessageKind::of_encoded(&inbound));
                handle_encoded(state, inbound, protocol, cx).await
            }
            Some(Incoming::Info(info)) => {
                receiver.note_info(&info);
                match *info {
                    Info::Stop(reason) => Flow::Stop(reason),
                    Info::Exit(exit) if Some(exit.from) == cx.parent() => Flow::Stop(exit.reason),
                    // Boxed for the same reason.
                    Info::Timer(timer) => Box::pin(handle_due(state, timer, cx)).await,
                    Info::Describe(reply) => {
                        cx.agenda().overlook();
                        Box::pin(state.show(reply)).await
                    }
                    info => state.handle_info(info, cx).await,
                }
            }
        };
    }
}

/// Handles what a timer stands for.
async fn handle_due<S: GenServer>(state: &mut S, timer: TimerRef, cx: &mut Context<S>) -> Flow {
    match cx.agenda().due(cx.node(), cx.pid(), timer) {
        Some(Message::Cast(cast)) => state.handle_cast(cast, cx).await,
        Some(Message::Info(info)) => state.handle_info(info, cx).await,
        // The number of a cancelled timer is no message.
        None => Flow::Continue,
    }
}

/// What the server does by itself between two messages.
async fn between<S: GenServer>(
    state: &mut S,
    mut flow: Flow,
    receiver: &mut Receiver<Request<S>>,
    cx: &mut Context<S>,
) -> Flow {
    while flow == Flow::Continue
        && let Some(value) = cx.agenda().next_continuation()
    {
        // One that continues for ever must let others run, and can be killed.
        consume_budget().await;
        flow = state.handle_continue(value, cx).await;
    }
    if cx.agenda().handled(cx.node(), cx.pid()) {
        receiver.shrink();
    }
    flow
}

/// Handles a message from another node, which this process decodes itself.
async fn handle_encoded<S: GenServer>(
    state: &mut S,
    inbound: Box<Inbound>,
    protocol: u64,
    cx: &mut Context<S>,
) -> Flow {
    let Some(decoder) = Decoder::<S>::find(inbound.protocol(), protocol) else {
        inbound.fail(&CallError::WrongServer);
        return Flow::Continue;
    };
    if let Some(why) = inbound.unwanted(Instant::now()) {
        cx.count_skipped(why);
        inbound.fail(&CallError::Timeout);
        return Flow::Continue;
    }
    let from = inbound.from();
    if inbound.is_call() {
        cx.set_deadline(Deadline::from(inbound.deadline()));
        let flow = match decoder.call(*inbound) {
            Ok(call) => state.handle_call(call, cx).await,
            Err(error) => refuse(cx.pid(), from, &error),
        };
        cx.set_deadline(Deadline::None);
        flow
    } else {
        match decoder.cast(*inbound) {
            Ok(cast) => state.handle_cast(cast, cx).await,
            Err(error) => refuse(cx.pid(), from, &error),
        }
    }
}

/// A caller was told by the decoder; the sender of a cast finds it in this node's log only.
fn refuse(pid: Pid, from: Option<Pid>, error: &CallError) -> Flow {
    tracing::warn!(%pid, ?from, %error, "a message does not decode as this server's; dropped");
    Flow::Continue
}
