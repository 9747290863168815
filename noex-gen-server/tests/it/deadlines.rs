//! Deadlines that calls inherit from the call in whose handler they are made.

use std::time::Duration;

use noex_core::inspect::Status;
use noex_core::{CallError, ExitReason, LocalNode, Pid, ReplyTo};
use noex_gen_server::{Context, Flow, GenServer, ProtocolRef};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, advance};

use crate::protocols::{Sums, SumsCall};
use crate::server::{Ask, Probe, Tell};
use crate::support::{Net, id, on, until};

const SECOND: Duration = Duration::from_secs(1);

/// How late the end of a call may be noticed, which a caller may take for the time that is left.
const TICK: Duration = Duration::from_millis(12);

/// Asks the next one, or says how much time its caller has left.
struct Link(Option<Pid>);

#[derive(Serialize, Deserialize)]
enum Pass {
    /// How long the last one has.
    Left(ReplyTo<Result<Duration, CallError>>),
    /// What a call to the last one, which never answers, ended with, and when.
    Hang(ReplyTo<(CallError, Duration)>),
}

impl GenServer for Link {
    type Args = Option<Pid>;
    type Call = Pass;
    type Cast = ();

    async fn init(next: Option<Pid>, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(next))
    }

    async fn handle_call(&mut self, call: Pass, cx: &mut Context<Self>) -> Flow {
        let deadline = cx.deadline();
        match (call, self.0) {
            (Pass::Left(reply), Some(next)) => {
                let left = Self::call(next, Pass::Left).deadline(deadline).await;
                reply.send(left.and_then(|left| left));
            }
            (Pass::Left(reply), None) => {
                let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
                reply.send(left.ok_or(CallError::NoProcess));
            }
            (Pass::Hang(reply), Some(next)) => {
                let outcome = Self::call(next, Pass::Hang).deadline(deadline).await;
                let error = outcome.map_or_else(|error| error, |(error, _)| error);
                let late = deadline.map(|at| at.elapsed());
                reply.send((error, late.unwrap_or(Duration::MAX)));
            }
            (Pass::Hang(reply), None) => {
                std::future::pending::<()>().await;
                drop(reply);
            }
        }
        Flow::Continue
    }
}

/// Three servers, each of which asks the next one: on these nodes.
async fn chain(nodes: [&LocalNode; 3]) -> [Pid; 3] {
    let last = Link::start(None).on(nodes[2]).await.unwrap().pid();
    let middle = Link::start(Some(last)).on(nodes[1]).await.unwrap().pid();
    let first = Link::start(Some(middle)).on(nodes[0]).await.unwrap().pid();
    [first, middle, last]
}

fn is_about(left: Duration, expected: Duration) -> bool {
    left <= expected + TICK && left + TICK >= expected
}

#[tokio::test(start_paused = true)]
async fn a_deadline_goes_along_a_chain_of_calls_here_and_to_another_node() {
    let (_net, nodes) = Net::of(2);
    let (a, b) = (&nodes[0], &nodes[1]);
    for places in [[a, a, a], [a, b, a], [a, b, b], [b, a, b]] {
        let [first, ..] = chain(places).await;
        for timeout in [SECOND / 2, 3 * SECOND] {
            let call = Link::call(first, Pass::Left).timeout(timeout);
            let left = on(a, call).await.unwrap().unwrap();
            assert!(is_about(left, timeout), "{left:?} of {timeout:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_when_the_deadline_that_it_inherits_is_over() {
    let (_net, nodes) = Net::of(2);
    for place in &nodes {
        let [.., last] = chain([&nodes[0], &nodes[0], place]).await;
        let began = Instant::now();
        let call = Link::call(last, Pass::Hang).deadline(Some(began + 3 * SECOND));
        let outcome = on(&nodes[0], call).await;
        assert_eq!(outcome, Err(CallError::DeadlineInherited));
        let took = began.elapsed();
        assert!(is_about(took, 3 * SECOND), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_another_one_is_free_when_its_caller_s_time_is_over() {
    let (_net, nodes) = Net::of(2);
    let (a, b) = (&nodes[0], &nodes[1]);
    for places in [[a, a, a], [a, b, a], [b, a, b]] {
        let [_, middle, _] = chain(places).await;
        let began = Instant::now();
        let call = Link::call(middle, Pass::Hang).timeout(2 * SECOND);
        // All of them end at this moment: the caller hears of the inner end, or sees its own.
        match on(a, call).await {
            Err(CallError::Timeout) => {}
            outcome => {
                let (error, late) = outcome.unwrap();
                assert_eq!(error, CallError::DeadlineInherited);
                assert!(late <= TICK, "{late:?}");
            }
        }
        let took = began.elapsed();
        assert!(is_about(took, 2 * SECOND), "{took:?}");
        let info = || {
            [a, b]
                .into_iter()
                .find_map(|node| node.process_info(middle))
        };
        until("it waits", || info().unwrap().status == Status::Waiting).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_shorter_of_deadline_and_timeout_ends_a_call() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    let soon = Some(Instant::now() + SECOND);
    let late = Some(Instant::now() + 9 * SECOND);
    let call = server.call(Ask::Sum).timeout(2 * SECOND).deadline(late);
    assert_eq!(call.await, Err(CallError::Timeout));
    let call = server.call(Ask::Sum).deadline(soon);
    let began = Instant::now();
    assert_eq!(
        call.await,
        Err(CallError::DeadlineInherited),
        "it is over already"
    );
    assert_eq!(began.elapsed(), Duration::ZERO);
    let call = server.call(Ask::Sum).timeout(SECOND).deadline(None);
    assert_eq!(call.await, Err(CallError::Timeout));
    let call = server.call(Ask::Sum).deadline(late).timeout(20 * SECOND);
    assert_eq!(call.await, Err(CallError::DeadlineInherited));
    board.open();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_answered_in_time_does_not_mind_its_deadline() {
    let node = LocalNode::start(id(1));
    let (server, _board) = Probe::on(&node).await;
    let deadline = Some(Instant::now() + SECOND);
    assert_eq!(server.call(Ask::Sum).deadline(deadline).await, Ok(0));
    assert_eq!(
        server.call(Ask::Drop).deadline(deadline).await,
        Err(CallError::ReplyDropped)
    );
    advance(2 * SECOND).await;
    let over = server.call(Ask::Sum).deadline(deadline).await;
    assert_eq!(over, Err(CallError::DeadlineInherited));
}

#[tokio::test(start_paused = true)]
async fn calls_of_protocols_and_to_many_inherit_deadlines_as_well() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    let deadline = Some(Instant::now() + SECOND / 2);
    let sums = ProtocolRef::<Sums>::from(&server);
    let (one, many) = tokio::join!(
        sums.call(SumsCall::Sum).deadline(deadline),
        on(
            &node,
            Probe::call_many([server.pid()], Ask::Sum).deadline(deadline)
        ),
    );
    assert_eq!(one, Err(CallError::DeadlineInherited));
    let failures = [(server.pid(), CallError::DeadlineInherited)];
    assert_eq!(many.unwrap().failures, failures);
    board.open();
}
