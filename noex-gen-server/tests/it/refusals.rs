//! Calls and casts that reach nobody.

use std::time::Duration;

use noex_core::{CallError, Local, Pid};
use noex_gen_server::{CastError, GenServer, ServerRef};
use tokio::time::Instant;

use crate::server::{Ask, Board, Impostor, Init, Other, Probe, Tell};
use crate::support::{Net, on};

#[tokio::test]
async fn a_name_that_nobody_holds_is_no_process() {
    let (_net, nodes) = Net::of(2);
    on(&nodes[0], async {
        let here = Probe::call("nobody", Ask::Sum).await;
        assert_eq!(here, Err(CallError::NoProcess));
        let there = Probe::call(("nobody", nodes[1].id()), Ask::Sum).await;
        assert_eq!(there, Err(CallError::NoProcess));
        let stopped = Probe::stop("nobody").await;
        assert_eq!(stopped, Err(CallError::NoProcess));
    })
    .await;
    let outside = Probe::call("nobody", Ask::Sum).await;
    assert_eq!(outside, Err(CallError::NoNode));
}

#[tokio::test(start_paused = true)]
async fn a_server_can_neither_call_nor_stop_itself() {
    let (_net, nodes) = Net::of(1);
    let (server, _) = Probe::on(&nodes[0]).await;
    let called = server.call(Ask::CallYourself).await;
    assert_eq!(called.unwrap(), "CallingSelf");
    let stopped = server.call(Ask::StopYourself).await;
    assert_eq!(stopped.unwrap(), "CallingSelf");
}

#[tokio::test]
async fn a_dead_pid_is_no_process_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, _) = Probe::on(home).await;
        let pid = server.pid();
        on(&nodes[0], async {
            Probe::stop(pid).await.unwrap();
            assert_eq!(Probe::stop(pid).await, Err(CallError::NoProcess));
            let called = Probe::call(pid, Ask::Sum).await;
            assert_eq!(called, Err(CallError::NoProcess));
        })
        .await;
        assert_eq!(server.call(Ask::Sum).await, Err(CallError::NoProcess));
        let refused = server.cast(Tell::Add(4)).unwrap_err();
        assert_eq!(refused, CastError::NoProcess(Tell::Add(4)));
        assert_eq!((nodes[0].pending_calls(), home.calls_in_flight()), (0, 0));
    }
}

#[tokio::test]
async fn a_node_that_is_cut_off_is_no_connection_and_a_superseded_one_no_process() {
    let (net, nodes) = Net::of(2);
    let (server, _) = Probe::on(&nodes[1]).await;
    let pid = server.pid();
    let unknown = Pid::new(noex_core::Creation::from_bits(5), 1);
    net.cut(&nodes[0], &nodes[1]);
    on(&nodes[0], async {
        let lost = CallError::NoConnection { sent: false };
        for pid in [pid, unknown] {
            let outcome = Probe::call(pid, Ask::Sum).await;
            assert_eq!(outcome, Err(lost.clone()));
            assert_eq!(Probe::stop(pid).await, Err(lost.clone()));
            let refused = Probe::cast(pid, Tell::Add(1)).unwrap_err();
            assert_eq!(refused, CastError::NoConnection(Tell::Add(1)));
        }
        let _again = net.start(2);
        let outcome = Probe::call(pid, Ask::Sum).await;
        assert_eq!(outcome, Err(CallError::NoProcess));
        assert_eq!(Probe::stop(pid).await, Err(CallError::NoProcess));
        let refused = Probe::cast(pid, Tell::Add(1)).unwrap_err();
        assert_eq!(refused, CastError::NoProcess(Tell::Add(1)));
    })
    .await;
    assert_eq!(nodes[0].pending_calls(), 0);
}

#[tokio::test]
async fn a_server_of_another_type_refuses_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let other = Other::start(()).on(home).await.unwrap();
        on(&nodes[0], async {
            let outcome = Probe::call(other.pid(), Ask::Sum).await;
            assert_eq!(outcome, Err(CallError::WrongServer));
            let typed = ServerRef::<Probe>::from_pid(other.pid());
            let outcome = typed.call(Ask::Sum).await;
            assert_eq!(outcome, Err(CallError::WrongServer));
            assert_eq!(Other::call(other.pid(), |reply| reply).await, Ok(1));
        })
        .await;
    }
}

#[tokio::test]
async fn bytes_that_do_not_decode_are_a_codec_error_and_harm_nobody() {
    let (_net, nodes) = Net::of(2);
    let (server, _) = Probe::on(&nodes[1]).await;
    on(&nodes[0], async {
        let call = Impostor::call(server.pid(), |reply| (reply, "what".into()));
        let outcome = call.await;
        assert!(matches!(outcome, Err(CallError::Codec(_))), "{outcome:?}");
        Impostor::cast(server.pid(), ()).unwrap();
        assert_eq!(Probe::call(server.pid(), Ask::Sum).await, Ok(0));
    })
    .await;
}

#[tokio::test]
async fn a_local_field_stays_on_its_node() {
    let (_net, nodes) = Net::of(2);
    for (home, expected) in nodes.iter().zip([Ok(3), Err(CallError::LocalOnly)]) {
        let (server, _) = Probe::on(home).await;
        let ask = |reply| Ask::Here(Local(3), reply);
        let outcome = on(&nodes[0], Probe::call(server.pid(), ask)).await;
        assert_eq!(outcome, expected);
    }
    assert_eq!(nodes[0].pending_calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_refuses_a_cast_and_lets_a_call_wait_until_its_deadline() {
    let (_net, nodes) = Net::of(1);
    let board = Board::new();
    let server =
        Probe::start((Init::Ok, board.clone())).mailbox_capacity(std::num::NonZeroUsize::MIN);
    let server = server.on(&nodes[0]).await.unwrap();
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    server.cast(Tell::Add(1)).unwrap();
    assert_eq!(
        server.cast(Tell::Add(2)).unwrap_err(),
        CastError::Full(Tell::Add(2))
    );
    let began = Instant::now();
    let call = server.call(Ask::Sum).timeout(Duration::from_secs(2));
    assert_eq!(call.await, Err(CallError::Full));
    assert_eq!(began.elapsed().as_secs(), 2);
    let waiting = async { tokio::join!(server.call(Ask::Sum), async { board.open() }).0 };
    assert_eq!(waiting.await, Ok(1));
}

#[tokio::test]
async fn a_call_may_wait_as_long_as_a_duration_can_be() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let board = Board::new();
        let server = Probe::start((Init::Ok, board))
            .timeout(Duration::MAX)
            .on(home);
        let server = server.await.unwrap();
        let call = Probe::call(server.pid(), Ask::Sum).timeout(Duration::MAX);
        assert_eq!(on(&nodes[0], call).await, Ok(0));
    }
}
