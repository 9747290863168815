//! Servers that wait for each other.

use std::time::Duration;

use noex_core::call::Deadlock;
use noex_core::{CallError, ExitReason, LocalNode, ReplyTo};
use noex_gen_server::{Context, Flow, GenServer, ServerRef};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use crate::server::{Ask, Probe, Tell};
use crate::support::id;

const SECOND: Duration = Duration::from_secs(1);

/// When a deadlock is known: its calls are looked at twice.
const KNOWN_AFTER: Duration = Duration::from_millis(250);

/// Asks others, and hears what became of that.
#[derive(Default)]
struct Asker {
    next: Vec<ServerRef<Self>>,
    fails: bool,
}

#[derive(Serialize, Deserialize)]
enum Request {
    Next(Vec<ServerRef<Asker>>, ReplyTo<()>),
    /// What became of the calls to the next ones.
    Ask(ReplyTo<Vec<CallError>>),
    Fail(ReplyTo<()>),
    /// Is answered when nothing else is being handled.
    Hello(ReplyTo<()>),
    /// Another process is to answer, a second later.
    Pass(ReplyTo<Vec<CallError>>),
}

impl GenServer for Asker {
    type Args = ();
    type Call = Request;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self::default())
    }

    async fn handle_call(&mut self, request: Request, cx: &mut Context<Self>) -> Flow {
        match request {
            Request::Next(next, reply) => {
                self.next = next;
                reply.send(());
            }
            Request::Hello(reply) => reply.send(()),
            Request::Fail(reply) => {
                self.fails = true;
                reply.send(());
            }
            Request::Ask(reply) => {
                let call = Self::call_many(&self.next, Request::Ask).timeout(SECOND);
                let answers = match self.fails {
                    true => call.fail_on_deadlock().await,
                    false => call.await,
                };
                let failures = answers.unwrap().failures.into_iter();
                reply.send(failures.map(|(_, error)| error).collect());
            }
            Request::Pass(reply) => {
                let later = async move {
                    sleep(SECOND).await;
                    reply.send(Vec::new());
                };
                drop(noex_core::task::spawn(cx.node(), later));
            }
        }
        Flow::Continue
    }
}

/// As many servers, each of which asks the next one, and the last one the first.
async fn ring(node: &LocalNode, count: usize) -> Vec<ServerRef<Asker>> {
    let mut ring = Vec::new();
    for _ in 0..count {
        ring.push(Asker::start(()).on(node).await.unwrap());
    }
    for (place, server) in ring.iter().enumerate() {
        let next = vec![ring[(place + 1) % count].clone()];
        server
            .call(|reply| Request::Next(next, reply))
            .await
            .unwrap();
    }
    ring
}

/// Whether these are the processes, in this order, wherever it begins.
fn is_ring(deadlock: &Deadlock, ring: &[ServerRef<Asker>]) -> bool {
    let pids: Vec<_> = deadlock.chain.iter().map(|stuck| stuck.pid).collect();
    let expected = ring.iter().map(ServerRef::pid).cycle();
    (0..ring.len()).any(|start| {
        expected
            .clone()
            .skip(start)
            .take(ring.len())
            .eq(pids.clone())
    })
}

#[tokio::test(start_paused = true)]
async fn servers_that_wait_for_each_other_are_told_of_once() {
    let node = LocalNode::start(id(1));
    for count in [2, 3, 7] {
        let mut deadlocks = node.deadlocks();
        let ring = ring(&node, count).await;
        node.register("first", ring[0].pid()).unwrap();
        let began = Instant::now();
        let call = ring[0].call(Request::Ask).timeout(4 * SECOND);
        let (outcome, known) = tokio::join!(call, async {
            let deadlock = deadlocks.next().await.unwrap();
            assert!(is_ring(&deadlock, &ring), "{deadlock}");
            let names = deadlock.chain.iter().flat_map(|stuck| &stuck.names);
            assert_eq!(names.cloned().collect::<Vec<_>>(), ["first".into()]);
            assert!(deadlock.to_string().contains("(first)"));
            began.elapsed()
        });
        assert!(
            (2 * KNOWN_AFTER / 3..KNOWN_AFTER).contains(&known),
            "{known:?}"
        );
        // Nothing else became of it: the first call whose time is over ends it.
        outcome.unwrap();
        assert!(began.elapsed() >= SECOND);
        timeout(SECOND, deadlocks.next()).await.unwrap_err();
        ring[0].stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_asks_for_it_fails_by_a_deadlock_and_frees_the_others() {
    let node = LocalNode::start(id(1));
    let ring = ring(&node, 3).await;
    ring[1].call(Request::Fail).await.unwrap();
    let began = Instant::now();
    let outcome = ring[0].call(Request::Ask).await.unwrap();
    assert_eq!(outcome, [], "the second one has an answer for the first");
    assert!(began.elapsed() < KNOWN_AFTER, "{:?}", began.elapsed());
    // The question goes round once more, since the third one asked the first, and ends as well.
    for server in &ring {
        server.call(Request::Hello).await.unwrap();
    }
    let error = ring[1].call(Request::Ask).await.unwrap();
    assert_eq!(error, [CallError::Deadlock]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_asks_for_it_fails_one_call_of_each_deadlock() {
    let node = LocalNode::start(id(1));
    node.fail_on_deadlock(true);
    let mut deadlocks = node.deadlocks();
    let ring = ring(&node, 2).await;
    let began = Instant::now();
    ring[0].call(Request::Ask).await.unwrap();
    assert!(began.elapsed() < KNOWN_AFTER, "{:?}", began.elapsed());
    assert!(is_ring(&deadlocks.next().await.unwrap(), &ring));
    for server in &ring {
        server.call(Request::Hello).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_many_calls_at_once_can_close_the_circle() {
    let node = LocalNode::start(id(1));
    let mut deadlocks = node.deadlocks();
    let ring = ring(&node, 2).await;
    let aside = Asker::start(()).on(&node).await.unwrap();
    let next = vec![aside.clone(), ring[1].clone()];
    ring[0]
        .call(|reply| Request::Next(next, reply))
        .await
        .unwrap();
    ring[0]
        .call(Request::Ask)
        .timeout(4 * SECOND)
        .await
        .unwrap();
    assert!(is_ring(&deadlocks.next().await.unwrap(), &ring));
}

#[tokio::test(start_paused = true)]
async fn who_waits_long_for_somebody_who_is_busy_is_no_deadlock() {
    let node = LocalNode::start(id(1));
    let mut deadlocks = node.deadlocks();
    let (server, board) = Probe::on(&node).await;
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    let call = server.call(Ask::Sum).fail_on_deadlock().timeout(2 * SECOND);
    assert_eq!(call.await, Err(CallError::Timeout));
    let ring = ring(&node, 3).await;
    ring[2]
        .call(|reply| Request::Next(Vec::new(), reply))
        .await
        .unwrap();
    ring[2].inspect().suspend();
    let call = ring[0].call(Request::Ask).fail_on_deadlock();
    call.timeout(SECOND / 2).await.unwrap_err();
    ring[2].inspect().resume();
    timeout(SECOND, deadlocks.next()).await.unwrap_err();
    board.open();
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_comes_from_elsewhere_ends_as_any_other() {
    let node = LocalNode::start(id(1));
    let server = Asker::start(()).on(&node).await.unwrap();
    let call = server.call(Request::Pass).fail_on_deadlock();
    assert_eq!(call.await, Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_when_its_node_is_gone() {
    let node = LocalNode::start(id(1));
    let mut deadlocks = node.deadlocks();
    drop(node);
    assert_eq!(deadlocks.next().await, None);
}
