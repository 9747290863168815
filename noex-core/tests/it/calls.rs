//! Calls at the core's level: handles, cells, deadlines.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use noex_core::call::ReplyFuture;
use noex_core::mailbox::Incoming;
use noex_core::process::{SpawnOptions, current_pid};
use noex_core::{
    CallError, Creation, Encoded, ExitReason, LocalNode, ReplyTo, RouteError, Router, Signal,
    Target, codec,
};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::support::{Net, id, soon, until};

const LONG: Duration = Duration::from_secs(5);

/// A message whose handle is decoded before its number.
#[derive(Serialize, Deserialize)]
struct Ask<N> {
    reply: ReplyTo<u64>,
    number: N,
}

fn open(node: &LocalNode) -> (ReplyFuture<u64>, ReplyTo<u64>) {
    // The futures register anew when they are awaited.
    let (future, reply, _guard) = ReplyFuture::new(node, LONG, Waker::noop());
    (future, reply)
}

#[tokio::test(start_paused = true)]
async fn a_foreign_serializer_leaves_the_handle_as_it_was() {
    let node = LocalNode::start(id(1));
    let (future, reply) = open(&node);
    rmp_serde::to_vec(&reply).unwrap_err();
    reply.send(7);
    assert_eq!(future.await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_handle_from_another_node_survives_a_foreign_serializer() {
    let (_net, nodes) = Net::of(2);
    let (future, reply) = open(&nodes[0]);
    let server = nodes[1].spawn(SpawnOptions::default(), |mut mailbox| async move {
        if let Incoming::<()>::Encoded(inbound) = mailbox.next().await {
            let ask: Ask<u64> = inbound.decode().unwrap();
            rmp_serde::to_vec(&ask.reply).unwrap_err();
            ask.reply.send(ask.number);
        }
        ExitReason::Normal
    });
    send(
        &nodes[0],
        server.pid(),
        &Ask {
            reply,
            number: 7_u64,
        },
    );
    assert_eq!(future.await, Ok(7));
    assert_eq!(
        (nodes[0].pending_calls(), nodes[1].calls_in_flight()),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_binds_two_nodes_until_it_is_answered() {
    let (_net, nodes) = Net::of(2);
    let (future, reply) = open(&nodes[0]);
    let (asked, ask) = oneshot::channel();
    let server = nodes[1].spawn(SpawnOptions::default(), |mut mailbox| async move {
        if let Incoming::<()>::Encoded(inbound) = mailbox.next().await {
            drop(asked.send(inbound.decode::<Ask<u64>>().unwrap()));
        }
        std::future::pending().await
    });
    let number = 7_u64;
    send(&nodes[0], server.pid(), &Ask { reply, number });
    let ask = ask.await.unwrap();
    assert!(nodes[0].bound_to().into_iter().eq([nodes[1].creation()]));
    assert!(nodes[1].bound_to().into_iter().eq([nodes[0].creation()]));
    ask.reply.send(ask.number);
    assert_eq!(future.await, Ok(7));
    assert!(nodes.iter().all(|node| node.bound_to().is_empty()));
}

fn send<T: Serialize>(node: &LocalNode, to: noex_core::Pid, message: &T) {
    let (payload, replies) = codec::encode(node, to.creation(), message).unwrap();
    let message = Encoded::new(None, 0, Some(LONG), replies, payload);
    node.send_message(&Target::Process(to), message).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_decode_behind_its_handle_is_a_codec_error() {
    let (_net, nodes) = Net::of(2);
    let server = nodes[1].spawn(SpawnOptions::default(), |mut mailbox| async move {
        if let Incoming::<()>::Encoded(inbound) = mailbox.next().await {
            inbound.decode::<Ask<u64>>().err().unwrap();
        }
        drop(mailbox.next().await);
        ExitReason::Normal
    });
    let (future, reply) = open(&nodes[0]);
    let number = "no number".to_owned();
    send(&nodes[0], server.pid(), &Ask { reply, number });
    let error = future.await.unwrap_err();
    assert!(matches!(error, CallError::Codec(_)), "{error:?}");
    assert_eq!(
        (nodes[0].pending_calls(), nodes[1].calls_in_flight()),
        (0, 0)
    );
}

#[tokio::test]
async fn a_peer_that_would_wait_for_ever_does_no_harm() {
    let (_net, nodes) = Net::of(2);
    let nobody = Target::Process(noex_core::Pid::new(nodes[0].creation(), 999));
    let (_future, reply) = open(&nodes[1]);
    let (payload, replies) = codec::encode(&nodes[1], nodes[0].creation(), &reply).unwrap();
    let message = Encoded::new(None, 0, Some(Duration::MAX), replies, payload);
    nodes[0].deliver(nodes[1].creation(), &nobody, Signal::Message(message));
    assert_eq!(nodes[0].calls_in_flight(), 0);
}

thread_local! {
    static KEPT: RefCell<Option<ReplyTo<u64>>> = const { RefCell::new(None) };
}

#[tokio::test]
async fn a_handle_that_ends_with_its_thread_fails_its_call() {
    let node = LocalNode::start(id(1));
    for core_first in [true, false] {
        let (future, reply) = open(&node);
        let thread = std::thread::spawn(move || {
            if core_first {
                assert_eq!(current_pid(), None);
            }
            KEPT.set(Some(reply));
            assert_eq!(current_pid(), None);
        });
        thread.join().unwrap();
        assert_eq!(future.await, Err(CallError::ReplyDropped));
    }
}

#[tokio::test]
async fn a_handle_is_encoded_once() {
    let (_net, nodes) = Net::of(2);
    let (future, reply) = open(&nodes[0]);
    let to = nodes[1].creation();
    let (_, replies) = codec::encode(&nodes[0], to, &reply).unwrap();
    assert_eq!(replies.len(), 1);
    let error = codec::encode(&nodes[0], to, &reply).unwrap_err();
    assert!(matches!(error, CallError::Codec(_)));
    assert_eq!(nodes[0].pending_calls(), 1);
    drop(future);
    assert_eq!(nodes[0].pending_calls(), 0);
}

#[tokio::test]
async fn a_node_that_does_not_hold_the_handle_can_t_answer() {
    let (_net, nodes) = Net::of(3);
    let (future, reply) = open(&nodes[0]);
    let (_, replies) = codec::encode(&nodes[0], nodes[1].creation(), &reply).unwrap();
    let call = replies[0].call;
    let to = Target::Node(nodes[0].creation());
    let answer = |number: u8| Signal::Reply {
        call,
        body: vec![number].into(),
    };
    nodes[2].send(&to, answer(6)).unwrap();
    nodes[1].send(&to, answer(7)).unwrap();
    assert_eq!(future.await, Ok(7));
}

/// A router that carries no replies.
#[derive(Debug)]
struct Narrow(Arc<dyn Router>);

impl Router for Narrow {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        match signal {
            Signal::Reply { body, .. } => Err(RouteError::TooLarge {
                size: body.len(),
                limit: 0,
            }),
            signal => self.0.route(to, signal),
        }
    }

    fn neighbours(&self) -> Vec<Creation> {
        self.0.neighbours()
    }
}

#[tokio::test]
async fn the_caller_is_told_of_a_reply_that_is_too_large() {
    let (_net, nodes) = Net::of(2);
    nodes[1].attach(Arc::new(Narrow(nodes[1].router())));
    let (future, reply) = open(&nodes[0]);
    let server = nodes[1].spawn(SpawnOptions::default(), |mut mailbox| async move {
        if let Incoming::<()>::Encoded(inbound) = mailbox.next().await {
            let ask: Ask<u64> = inbound.decode().unwrap();
            ask.reply.send(ask.number);
        }
        ExitReason::Normal
    });
    let ask = Ask {
        reply,
        number: 7_u64,
    };
    send(&nodes[0], server.pid(), &ask);
    let error = soon("the caller is told", future).await.unwrap_err();
    assert!(matches!(error, CallError::Codec(_)), "{error}");
    assert!(!error.is_not_executed());
}

#[tokio::test]
async fn a_handle_that_moves_after_the_caller_gave_up_is_cancelled_where_it_arrives() {
    let (_net, nodes) = Net::of(3);
    let (future, reply) = open(&nodes[0]);
    let (payload, replies) = codec::encode(&nodes[0], nodes[1].creation(), &reply).unwrap();
    drop(future);
    let call = replies[0].call;
    let (go, gone) = oneshot::channel::<()>();
    let holder = nodes[2].spawn(SpawnOptions::default(), |mut mailbox| async move {
        gone.await.unwrap();
        match mailbox.next().await {
            Incoming::<()>::Encoded(inbound) if inbound.unwanted(Instant::now()).is_some() => {
                ExitReason::Normal
            }
            _ => ExitReason::error("still wanted"),
        }
    });
    let ended = nodes[2].ended(holder.pid());
    let message = Encoded::new(None, 0, Some(LONG), replies, payload);
    nodes[1]
        .send_message(&Target::Process(holder.pid()), message)
        .unwrap();
    let moved = Signal::CallMoved {
        call,
        to: nodes[2].creation(),
    };
    nodes[1]
        .send(&Target::Node(nodes[0].creation()), moved)
        .unwrap();
    go.send(()).unwrap();
    assert_eq!(ended.await, ExitReason::Normal);
    assert_eq!(nodes[2].calls_in_flight(), 0);
}

#[tokio::test]
async fn what_waited_for_a_session_in_vain_was_not_sent_but_for_a_handle_that_came_another_way() {
    let (_net, nodes) = Net::of(3);
    let [caller, server, holder] = &nodes[..] else {
        panic!("there are three nodes")
    };
    let (waited, reply) = open(caller);
    codec::encode(caller, holder.creation(), &reply).unwrap();
    let (moved, reply) = open(caller);
    let (_, replies) = codec::encode(caller, server.creation(), &reply).unwrap();
    let moves = Signal::CallMoved {
        call: replies[0].call,
        to: holder.creation(),
    };
    server
        .send(&Target::Node(caller.creation()), moves)
        .unwrap();
    caller.session_not_opened(holder.creation());
    assert_eq!(waited.await, Err(CallError::NoConnection { sent: false }));
    assert_eq!(moved.await, Err(CallError::NoConnection { sent: true }));
}

/// A router that can't connect with one node.
#[derive(Debug)]
struct Without(Creation, Arc<dyn Router>);

impl Router for Without {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        self.1.route(to, signal)
    }

    fn connect(&self, node: Creation) -> Result<(), RouteError> {
        match node {
            node if node == self.0 => Err(RouteError::NoConnection),
            _ => Ok(()),
        }
    }

    fn neighbours(&self) -> Vec<Creation> {
        self.1.neighbours()
    }
}

#[tokio::test]
async fn a_call_whose_handle_moves_to_where_its_caller_can_t_connect_fails_at_once() {
    let (_net, nodes) = Net::of(4);
    let [caller, server, near, far] = &nodes[..] else {
        panic!("there are four nodes")
    };
    caller.attach(Arc::new(Without(far.creation(), caller.router())));
    for (holder, is_lost) in [(near, false), (far, true)] {
        let (future, reply) = open(caller);
        let (_, replies) = codec::encode(caller, server.creation(), &reply).unwrap();
        let moved = Signal::CallMoved {
            call: replies[0].call,
            to: holder.creation(),
        };
        server
            .send(&Target::Node(caller.creation()), moved)
            .unwrap();
        assert_eq!(caller.pending_calls(), usize::from(!is_lost));
        if is_lost {
            let lost = CallError::NoConnection { sent: true };
            assert_eq!(soon("it is told", future).await, Err(lost));
        }
    }
}

#[tokio::test]
async fn contract_c44_a_handle_that_is_kept_after_the_caller_gave_up_is_no_call_in_flight() {
    let (net, nodes) = Net::of(2);
    let keeper = nodes[1].spawn(SpawnOptions::default(), |mut mailbox| async move {
        let mut kept = Vec::new();
        while let Incoming::<()>::Encoded(inbound) = mailbox.next().await {
            kept.push(inbound.decode::<Ask<u64>>().unwrap());
        }
        ExitReason::Normal
    });
    let mut futures = Vec::new();
    for number in 0..2_u64 {
        let (future, reply) = open(&nodes[0]);
        send(&nodes[0], keeper.pid(), &Ask { reply, number });
        futures.push(future);
    }
    assert_eq!(nodes[1].calls_in_flight(), 2);
    futures.pop();
    assert_eq!(nodes[1].calls_in_flight(), 1);
    nodes[1].session_lost(nodes[0].creation());
    assert_eq!(nodes[1].calls_in_flight(), 0);
    drop(net);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline_and_not_before() {
    let node = LocalNode::start(id(1));
    let began = Instant::now();
    let (future, reply) = open(&node);
    assert_eq!(future.await, Err(CallError::Timeout));
    let waited = began.elapsed();
    assert!(waited >= LONG && waited < LONG + Duration::from_millis(50));
    drop(reply);
}

#[test]
fn a_process_that_runs_when_its_runtime_shuts_down_fails_its_callers() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (node, future) = runtime.block_on(async {
        let node = LocalNode::start(id(1));
        let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
            let mut kept = Vec::new();
            loop {
                if let Incoming::Message(reply) = mailbox.next().await {
                    kept.push(reply);
                }
            }
        });
        let (future, reply) = open(&node);
        process.mailbox().push(reply).unwrap();
        until("the handle is kept", || process.mailbox().is_empty()).await;
        (node, future)
    });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = other.block_on(soon("the caller is told", future));
    assert_eq!(outcome, Err(CallError::Exited(ExitReason::Killed)));
    assert_eq!(node.process_count(), 0);
}
