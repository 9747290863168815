//! Calls and casts to many servers.

use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode, Pid, ReplyTo};
use noex_gen_server::{CastError, Context, DestMany, Flow, GenServer, ServerRef};
use tokio::time::Instant;

use crate::server::{Ask, Other, Probe, Tell};
use crate::support::{Net, on};

/// What `to` replies, in the order of its members.
async fn sums(node: &LocalNode, to: impl DestMany<Probe>) -> Vec<(Pid, u64)> {
    let answers = on(node, Probe::call_many(to, Ask::Sum)).await.unwrap();
    assert_eq!(answers.failures, []);
    answers.replies
}

#[tokio::test(start_paused = true)]
async fn replies_and_failures_are_told_apart_by_pid() {
    let (_net, nodes) = Net::of(2);
    let (one, _) = Probe::on(&nodes[0]).await;
    let (two, _) = Probe::on(&nodes[1]).await;
    let (busy, board) = Probe::on(&nodes[1]).await;
    let (gone, _) = Probe::on(&nodes[0]).await;
    two.cast(Tell::Add(2)).unwrap();
    busy.cast(Tell::Wait).unwrap();
    gone.stop().await.unwrap();
    board.saw("waits").await;
    let to = [&one, &two, &busy, &gone].map(ServerRef::pid);
    let began = Instant::now();
    let call = Probe::call_many(to, Ask::Sum).timeout(Duration::from_secs(1));
    let answers = on(&nodes[0], call).await.unwrap();
    assert_eq!(answers.replies, [(to[0], 0), (to[1], 2)]);
    assert_eq!(
        answers.failures,
        [(to[2], CallError::Timeout), (to[3], CallError::NoProcess)]
    );
    assert_eq!(began.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_a_single_call_unless_told_otherwise() {
    let (_net, nodes) = Net::of(1);
    let (busy, board) = Probe::on(&nodes[0]).await;
    busy.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    let began = Instant::now();
    let answers = Probe::call_many([busy.clone()], Ask::Sum).await.unwrap();
    assert_eq!(answers.failures, [(busy.pid(), CallError::Timeout)]);
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn references_and_pids_in_slices_arrays_and_vectors_are_many() {
    let (_net, nodes) = Net::of(1);
    let node = &nodes[0];
    let (one, _) = Probe::on(node).await;
    let (two, _) = Probe::on(node).await;
    let refs = [one, two];
    let pids = refs.each_ref().map(ServerRef::pid);
    let expected = pids.map(|pid| (pid, 0));
    assert_eq!(sums(node, &refs).await, expected);
    assert_eq!(sums(node, refs.as_slice()).await, expected);
    assert_eq!(sums(node, refs.to_vec()).await, expected);
    assert_eq!(sums(node, pids).await, expected);
    assert_eq!(sums(node, &pids.to_vec()).await, expected);
    assert_eq!(sums(node, Vec::<Pid>::new()).await, []);
}

#[tokio::test]
async fn without_a_node_only_pids_can_not_be_found() {
    let (_net, nodes) = Net::of(1);
    let (one, _) = Probe::on(&nodes[0]).await;
    let answers = Probe::call_many([one.pid()], Ask::Sum).await.unwrap();
    assert_eq!(answers.failures, [(one.pid(), CallError::NoNode)]);
    let answers = Probe::call_many([one.clone()], Ask::Sum).await.unwrap();
    assert_eq!(answers.replies, [(one.pid(), 0)]);
}

#[tokio::test]
async fn who_gives_it_up_gives_up_all_calls() {
    let (_net, nodes) = Net::of(2);
    let (keeper, board) = Probe::on(&nodes[1]).await;
    let call = Probe::call_many([keeper.pid(); 2], Ask::Keep);
    let kept = async {
        board.saw("kept").await;
        assert_eq!(nodes[0].pending_calls(), 2);
    };
    tokio::select! {
        answers = on(&nodes[0], call) => panic!("nobody answers: {answers:?}"),
        () = kept => {}
    }
    assert_eq!(nodes[0].pending_calls(), 0);
}

#[tokio::test]
async fn a_server_of_another_type_fails_alone() {
    let (_net, nodes) = Net::of(2);
    let (one, _) = Probe::on(&nodes[0]).await;
    for node in &nodes {
        let other = Other::start(()).on(node).await.unwrap();
        let call = Probe::call_many([one.pid(), other.pid()], Ask::Sum);
        let answers = on(&nodes[0], call).await.unwrap();
        assert_eq!(answers.replies, [(one.pid(), 0)]);
        assert_eq!(answers.failures, [(other.pid(), CallError::WrongServer)]);
    }
}

/// It adds up what it is told.
struct Sum(u64);

impl GenServer for Sum {
    type Args = ();
    type Call = ReplyTo<u64>;
    type Cast = u64;

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(0))
    }

    async fn handle_call(&mut self, reply: ReplyTo<u64>, _cx: &mut Context<Self>) -> Flow {
        reply.send(self.0);
        Flow::Continue
    }

    async fn handle_cast(&mut self, more: u64, _cx: &mut Context<Self>) -> Flow {
        self.0 += more;
        Flow::Continue
    }
}

#[tokio::test]
async fn a_cast_to_many_reaches_each_and_names_those_that_did_not_take_it() {
    let (_net, nodes) = Net::of(2);
    let mut sums = Vec::new();
    for node in [&nodes[0], &nodes[1], &nodes[0]] {
        sums.push(Sum::start(()).on(node).await.unwrap());
    }
    sums[2].stop().await.unwrap();
    let to: Vec<Pid> = sums.iter().map(ServerRef::pid).collect();
    let refused = on(&nodes[0], async { Sum::cast_many(&to, || 3) }).await;
    let gone = (to[2], CastError::NoProcess(3));
    assert_eq!(refused, Ok(vec![gone]));
    let call = Sum::call_many(&to[..2], |reply| reply);
    let answers = on(&nodes[0], call).await.unwrap();
    assert_eq!(answers.replies, [(to[0], 3), (to[1], 3)]);
}

/// Servers that can be found on a node alone.
struct Nodebound;

impl<S: GenServer> DestMany<S> for Nodebound {
    type Each = Pid;

    fn resolve_many(&self) -> Result<Vec<(Pid, Pid)>, CallError> {
        Err(CallError::NoNode)
    }
}

#[tokio::test]
async fn who_finds_nobody_to_call_says_why() {
    let answers = Sum::call_many(Nodebound, |reply| reply).await;
    assert_eq!(answers, Err(CallError::NoNode));
    let refused = Sum::cast_many(Nodebound, || 3);
    assert_eq!(refused, Err(CallError::NoNode));
}
