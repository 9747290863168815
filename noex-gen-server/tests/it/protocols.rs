//! References that name a protocol: what is asked and told by them, here and on another node.

use std::num::NonZeroUsize;
use std::time::Duration;

use noex_core::{CallError, ExitReason, Local, LocalNode, Pid, ReplyTo};
use noex_gen_server::{
    Accepted, Accepts, CastError, Context, Flow, GenServer, Protocol, ProtocolRef,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::server::{Ask, Board, Init, Other, Probe, Tell};
use crate::support::{Net, on, soon, until};

/// Whatever adds up.
pub(crate) enum Sums {}

#[derive(Serialize, Deserialize)]
pub(crate) enum SumsCall {
    Sum(ReplyTo<u64>),
    Wait(ReplyTo<u64>),
    Drop(ReplyTo<u64>),
    Here(Local<u64>, ReplyTo<u64>),
}

impl Protocol for Sums {
    type Call = SumsCall;
    type Cast = u64;
    const NAME: &'static str = "sums";
}

impl Accepts<Sums> for Probe {
    fn wrap_call(call: SumsCall) -> Ask {
        match call {
            SumsCall::Sum(reply) => Ask::Sum(reply),
            SumsCall::Wait(reply) => Ask::Wait(reply),
            SumsCall::Drop(reply) => Ask::Drop(reply),
            SumsCall::Here(number, reply) => Ask::Here(number, reply),
        }
    }

    fn wrap_cast(number: u64) -> Tell {
        Tell::Add(number)
    }

    fn unwrap_cast(cast: Tell) -> Option<u64> {
        match cast {
            Tell::Add(number) => Some(number),
            _ => None,
        }
    }
}

/// Always has the same sum, and accepts a second protocol.
struct Fixed(u64);

#[derive(Serialize, Deserialize)]
enum FixedCall {
    Sums(SumsCall),
    Refs(ReplyTo<ProtocolRef<Sums>>),
}

/// Whatever can give a reference to itself.
enum Refs {}

impl Protocol for Refs {
    type Call = ReplyTo<ProtocolRef<Sums>>;
    type Cast = ();
    const NAME: &'static str = "refs";
}

impl GenServer for Fixed {
    type Args = u64;
    type Call = FixedCall;
    type Cast = u64;

    async fn init(sum: u64, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(sum))
    }

    async fn handle_call(&mut self, call: FixedCall, cx: &mut Context<Self>) -> Flow {
        match call {
            FixedCall::Sums(SumsCall::Sum(reply)) => reply.send(self.0),
            FixedCall::Sums(SumsCall::Wait(reply)) => {
                let this = ProtocolRef::<Sums>::from(cx.this());
                let error = this.call(SumsCall::Sum).await.unwrap_err();
                reply.send(u64::from(error == CallError::CallingSelf));
            }
            FixedCall::Sums(SumsCall::Drop(_) | SumsCall::Here(..)) => {}
            FixedCall::Refs(reply) => reply.send(cx.this().into()),
        }
        Flow::Continue
    }

    async fn handle_cast(&mut self, _number: u64, _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    fn protocols() -> &'static [Accepted<Self>] {
        const { &[Accepted::of::<Sums>(), Accepted::of::<Refs>()] }
    }
}

impl Accepts<Sums> for Fixed {
    fn wrap_call(call: SumsCall) -> FixedCall {
        FixedCall::Sums(call)
    }

    fn wrap_cast(number: u64) -> u64 {
        number
    }

    fn unwrap_cast(number: u64) -> Option<u64> {
        Some(number)
    }
}

impl Accepts<Refs> for Fixed {
    fn wrap_call(reply: ReplyTo<ProtocolRef<Sums>>) -> FixedCall {
        FixedCall::Refs(reply)
    }

    fn wrap_cast((): ()) -> u64 {
        0
    }

    fn unwrap_cast(_cast: u64) -> Option<()> {
        Some(())
    }
}

fn sums(pid: Pid) -> ProtocolRef<Sums> {
    ProtocolRef::from_pid(pid)
}

#[tokio::test]
async fn servers_of_two_types_accept_the_same_messages_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (probe, _) = Probe::on(home).await;
        let fixed = Fixed::start(7).on(home).await.unwrap();
        on(&nodes[0], async {
            for (one, expected) in [(sums(probe.pid()), 5), (sums(fixed.pid()), 7)] {
                one.cast(2).unwrap();
                one.cast(3).unwrap();
                assert_eq!(one.call(SumsCall::Sum).await, Ok(expected));
            }
            let itself = sums(fixed.pid()).call(SumsCall::Wait).await;
            assert_eq!(itself, Ok(1), "a server that calls itself is told so");
        })
        .await;
    }
}

#[tokio::test]
async fn a_reference_travels_as_its_pid_and_a_server_accepts_several_protocols() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let fixed = Fixed::start(7).on(home).await.unwrap();
        on(&nodes[0], async {
            let refs = ProtocolRef::<Refs>::from_pid(fixed.pid());
            let given = refs.call(|reply| reply).await.unwrap();
            assert_eq!((given.pid(), &given), (fixed.pid(), &sums(fixed.pid())));
            assert_eq!(given.clone().call(SumsCall::Sum).await, Ok(7));
        })
        .await;
    }
}

#[tokio::test]
async fn a_message_stays_typed_on_its_node_however_the_reference_was_made() {
    let (_net, nodes) = Net::of(2);
    let (probe, _) = Probe::on(&nodes[0]).await;
    let ask = |reply| SumsCall::Here(Local(3), reply);
    let outside = sums(probe.pid());
    on(&nodes[0], async {
        for here in [sums(probe.pid()), outside.clone(), (&probe).into()] {
            assert_eq!(here.call(ask).await, Ok(3));
        }
    })
    .await;
    let held = ProtocolRef::<Sums>::from(probe.clone());
    assert_eq!(held.call(ask).await, Ok(3), "it needs no current node");
    let there = on(&nodes[1], async { sums(probe.pid()).call(ask).await }).await;
    assert_eq!(there, Err(CallError::LocalOnly));
    assert_eq!(nodes[1].pending_calls(), 0);
}

#[tokio::test]
async fn a_server_of_no_such_protocol_refuses_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let other = Other::start(()).on(home).await.unwrap();
        let fixed = Fixed::start(7).on(home).await.unwrap();
        on(&nodes[0], async {
            let outcome = sums(other.pid()).call(SumsCall::Sum).await;
            assert_eq!(outcome, Err(CallError::WrongServer));
            let other = ProtocolRef::<Refs>::from_pid(other.pid());
            let outcome = other.call(|reply| reply).await;
            assert_eq!(outcome.err(), Some(CallError::WrongServer));
            // Its own messages are known by its own protocol alone.
            let outcome = Probe::call(fixed.pid(), Ask::Sum).await;
            assert_eq!(outcome, Err(CallError::WrongServer));
        })
        .await;
    }
}

#[tokio::test]
async fn what_reaches_nobody_says_so_and_a_cast_is_given_back() {
    let (net, nodes) = Net::of(2);
    for home in &nodes {
        let (probe, _) = Probe::on(home).await;
        let held = ProtocolRef::<Sums>::from(&probe);
        probe.stop().await.unwrap();
        on(&nodes[0], async {
            let outcome = sums(probe.pid()).call(SumsCall::Sum).await;
            assert_eq!(outcome, Err(CallError::NoProcess));
        })
        .await;
        assert_eq!(held.call(SumsCall::Sum).await, Err(CallError::NoProcess));
        assert_eq!(held.cast(3), Err(CastError::NoProcess(3)));
    }
    let (probe, _) = Probe::on(&nodes[1]).await;
    let dropped = on(&nodes[0], async {
        sums(probe.pid()).call(SumsCall::Drop).await
    });
    assert_eq!(dropped.await, Err(CallError::ReplyDropped));
    net.cut(&nodes[0], &nodes[1]);
    on(&nodes[0], async {
        let probe = sums(probe.pid());
        let lost = CallError::NoConnection { sent: false };
        assert_eq!(probe.call(SumsCall::Sum).await, Err(lost));
        assert_eq!(probe.cast(3), Err(CastError::NoConnection(3)));
    })
    .await;
    let outside = sums(probe.pid()).call(SumsCall::Sum).await;
    assert_eq!(outside, Err(CallError::NoNode));
    assert_eq!(nodes[0].pending_calls(), 0);
}

/// A server whose mailbox has room for one message, which is there, while another is handled.
async fn full(node: &LocalNode) -> (ProtocolRef<Sums>, std::sync::Arc<Board>) {
    let board = Board::new();
    let probe = Probe::start((Init::Ok, board.clone())).mailbox_capacity(NonZeroUsize::MIN);
    let probe = probe.on(node).await.unwrap();
    probe.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    let full = ProtocolRef::from(probe);
    full.cast(1).unwrap();
    (full, board)
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_refuses_a_cast_and_lets_a_call_wait_until_its_deadline() {
    let (_net, nodes) = Net::of(1);
    let (probe, board) = full(&nodes[0]).await;
    assert_eq!(probe.cast(2), Err(CastError::Full(2)));
    let began = Instant::now();
    let refused = probe.call(SumsCall::Sum).timeout(Duration::from_secs(1));
    assert_eq!(refused.await, Err(CallError::Full));
    assert_eq!(began.elapsed().as_secs(), 1);
    let waiting = probe.call(SumsCall::Sum);
    let opened = async {
        tokio::task::yield_now().await;
        board.open();
    };
    let (sum, ()) = tokio::join!(waiting, opened);
    assert_eq!(sum, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_or_too_late_is_not_handled() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (probe, board) = Probe::on(home).await;
        on(&nodes[0], async {
            let probe = sums(probe.pid());
            let slow = probe.call(SumsCall::Wait);
            let queued = async {
                board.saw("waits").await;
                let given_up = probe.call(SumsCall::Sum);
                let given_up = tokio::time::timeout(Duration::ZERO, given_up).await;
                assert!(given_up.is_err(), "it was answered in front of a slow call");
                let late = probe.call(SumsCall::Sum).timeout(Duration::from_millis(5));
                assert_eq!(late.await, Err(CallError::Timeout));
                board.open();
            };
            let (slow, ()) = soon("the slow call", async { tokio::join!(slow, queued) }).await;
            assert_eq!(slow, Ok(0));
            probe.cast(9).unwrap();
            board.saw("add 9").await;
        })
        .await;
        assert_eq!(board.log(), ["waits", "add 9"]);
        until("no call is open", || {
            (nodes[0].pending_calls(), home.calls_in_flight()) == (0, 0)
        })
        .await;
    }
}
