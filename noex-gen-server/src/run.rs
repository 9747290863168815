//! The life of a server: names, `init`, one message after the other, `terminate`.

use noex_core::call::{CallGuard, Inbound, ReplyTo};
use noex_core::mailbox::{Incoming, Info};
use noex_core::process::Receiver;
use noex_core::{CallError, ExitReason, Pid};
use tokio::time::Instant;

use crate::request::protocol_of;
use crate::{Context, Flow, GenServer, Name, Request, ServerRef, StartError};

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
    let reason = match state.handle_continue(&mut cx).await {
        Flow::Continue => handle_all(&mut state, &mut receiver, &mut cx).await,
        Flow::Stop(reason) => reason,
    };
    cx.set_deadline(None);
    state.terminate(&reason, &mut cx).await;
    reason
}

/// Handles one message after the other, until one of them ends the server.
async fn handle_all<S: GenServer>(
    state: &mut S,
    receiver: &mut Receiver<Request<S>>,
    cx: &mut Context<S>,
) -> ExitReason {
    let protocol = protocol_of::<S>();
    loop {
        let flow = match receiver.next().await {
            Incoming::Message(Request::Call(call, guard)) => {
                handle_call(state, call, guard, receiver.now(), cx).await
            }
            Incoming::Message(Request::Cast(cast)) => state.handle_cast(cast, cx).await,
            Incoming::Encoded(inbound) => handle_encoded(state, *inbound, protocol, cx).await,
            Incoming::Info(info) => match *info {
                Info::Stop(reason) => Flow::Stop(reason),
                Info::Exit(exit) if Some(exit.from) == cx.parent() => Flow::Stop(exit.reason),
                info => state.handle_info(info, cx).await,
            },
        };
        if let Flow::Stop(reason) = flow {
            return reason;
        }
    }
}

async fn handle_call<S: GenServer>(
    state: &mut S,
    call: S::Call,
    guard: CallGuard,
    now: Instant,
    cx: &mut Context<S>,
) -> Flow {
    if !guard.is_wanted(now) {
        // Before its handle is dropped, which would say another thing.
        guard.fail(CallError::Timeout);
        return Flow::Continue;
    }
    cx.set_deadline(Some(guard.deadline()));
    drop(guard);
    let flow = state.handle_call(call, cx).await;
    cx.set_deadline(None);
    flow
}

/// Handles a message from another node, which this process decodes itself.
async fn handle_encoded<S: GenServer>(
    state: &mut S,
    inbound: Inbound,
    protocol: u64,
    cx: &mut Context<S>,
) -> Flow {
    if inbound.protocol() != protocol {
        inbound.fail(&CallError::WrongServer);
        return Flow::Continue;
    }
    if !inbound.is_wanted(Instant::now()) {
        inbound.fail(&CallError::Timeout);
        return Flow::Continue;
    }
    let from = inbound.from();
    if inbound.is_call() {
        cx.set_deadline(inbound.deadline());
        let flow = match inbound.decode() {
            Ok(call) => state.handle_call(call, cx).await,
            Err(error) => refuse(cx.pid(), from, &error),
        };
        cx.set_deadline(None);
        flow
    } else {
        match inbound.decode() {
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
