//! Reply handles: kept, dropped, passed on, lost.

use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode};
use noex_gen_server::GenServer;
use tokio::time::Instant;

use crate::server::{Ask, Keeper, Probe, Tell};
use crate::support::{Net, on, soon, until};

fn assert_floor(nodes: &[LocalNode]) {
    for node in nodes {
        assert_eq!((node.pending_calls(), node.calls_in_flight()), (0, 0));
    }
}

#[tokio::test]
async fn a_panic_reaches_the_caller_and_those_behind_it_at_once() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(home).await;
        let pid = server.pid();
        let calls = on(&nodes[0], async {
            tokio::join!(
                Probe::call(pid, Ask::Panic),
                Probe::call(pid, Ask::Sum),
                Probe::call(pid, Ask::Keep),
                async {
                    board.saw("waits").await;
                    board.open();
                }
            )
        });
        let (first, second, third, ()) = soon("all are told", calls).await;
        for outcome in [first, second, third] {
            let Err(CallError::Exited(ExitReason::Panic(panic))) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(&*panic.message, "it broke");
            assert!(panic.location.unwrap().contains("server.rs"));
        }
        assert_eq!(board.log(), ["waits"], "no terminate after a panic");
    }
    assert_floor(&nodes);
}

#[tokio::test]
async fn a_handle_in_the_state_of_a_server_that_ends_fails_with_its_reason() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(home).await;
        let pid = server.pid();
        let (outcome, ()) = on(&nodes[0], async {
            tokio::join!(Probe::call(pid, Ask::Keep), async {
                board.saw("kept").await;
                server.cast(Tell::End(ExitReason::error("over"))).unwrap();
            })
        })
        .await;
        assert_eq!(outcome, Err(CallError::Exited(ExitReason::error("over"))));
    }
    assert_floor(&nodes);
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_is_dropped_in_a_handler_fails_its_call_at_once() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, _) = Probe::on(home).await;
        let began = Instant::now();
        let outcome = on(&nodes[0], Probe::call(server.pid(), Ask::Drop)).await;
        assert_eq!(outcome, Err(CallError::ReplyDropped));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
    assert_floor(&nodes);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_never_comes_is_a_time_out_of_its_own_length() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, _) = Probe::on(home).await;
        let began = Instant::now();
        let call = Probe::call(server.pid(), Ask::Keep).timeout(Duration::from_secs(3));
        assert_eq!(on(&nodes[0], call).await, Err(CallError::Timeout));
        assert_eq!(began.elapsed().as_secs(), 3);
        on(&nodes[0], async { server.stop().await }).await.unwrap();
    }
    assert_floor(&nodes);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_expired_in_the_queue_is_a_time_out_and_is_not_handled() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(home).await;
        let pid = server.pid();
        server.cast(Tell::Wait).unwrap();
        board.saw("waits").await;
        on(&nodes[0], async {
            let call = Probe::call(pid, Ask::Sum).timeout(Duration::from_secs(1));
            let mut call = std::pin::pin!(call);
            tokio::select! {
                biased;
                _ = &mut call => panic!("the server is held up"),
                () = std::future::ready(()) => {}
            }
            tokio::time::advance(Duration::from_secs(2)).await;
            server.cast(Tell::Add(1)).unwrap();
            board.open();
            board.saw("add 1").await;
            tokio::task::yield_now().await;
            assert_eq!(call.await, Err(CallError::Timeout));
        })
        .await;
        assert_eq!(board.log(), ["waits", "add 1"]);
    }
    assert_floor(&nodes);
}

#[tokio::test]
async fn a_queued_call_whose_caller_gave_up_is_skipped_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(home).await;
        let pid = server.pid();
        server.cast(Tell::Wait).unwrap();
        board.saw("waits").await;
        on(&nodes[0], async {
            let call = Probe::call(pid, Ask::Sum);
            tokio::select! {
                biased;
                _ = call => panic!("the server is held up"),
                () = std::future::ready(()) => {}
            }
            Probe::cast(pid, Tell::Add(1)).unwrap();
            board.open();
            board.saw("add 1").await;
        })
        .await;
        assert_eq!(board.log(), ["waits", "add 1"]);
        until("nothing is left", || home.calls_in_flight() == 0).await;
    }
    assert_floor(&nodes);
}

#[tokio::test]
async fn a_queued_call_of_a_node_that_was_lost_is_skipped() {
    let (net, nodes) = Net::of(2);
    let (server, board) = Probe::on(&nodes[1]).await;
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    let (outcome, ()) = on(&nodes[0], async {
        tokio::join!(Probe::call(server.pid(), Ask::Sum), async {
            net.cut(&nodes[0], &nodes[1]);
        })
    })
    .await;
    assert_eq!(outcome, Err(CallError::NoConnection { sent: true }));
    server.cast(Tell::Add(1)).unwrap();
    board.open();
    board.saw("add 1").await;
    assert_eq!(board.log(), ["waits", "add 1"]);
    until("nothing is left", || nodes[1].calls_in_flight() == 0).await;
}

#[tokio::test]
async fn a_handle_is_answered_by_whoever_holds_it() {
    // From the first node to the second, and on to each of the three, home included.
    let (_net, nodes) = Net::of(3);
    for home in &nodes[..2] {
        for holder in &nodes {
            let (server, _) = Probe::on(home).await;
            let (last, board) = Probe::on(holder).await;
            last.cast(Tell::Add(9)).unwrap();
            let pid = server.pid();
            let (outcome, ()) = on(&nodes[0], async {
                tokio::join!(
                    Probe::call(pid, |reply| Ask::Pass(last.pid(), reply)),
                    async {
                        board.saw("kept").await;
                        server.cast(Tell::End(ExitReason::Normal)).unwrap();
                        home.ended(pid).await;
                        last.cast(Tell::AnswerKept).unwrap();
                    }
                )
            })
            .await;
            assert_eq!(outcome, Ok(9));
            assert_floor(&nodes);
        }
    }
}

#[tokio::test]
async fn the_loss_of_the_node_that_holds_a_handle_fails_the_call() {
    let (net, nodes) = Net::of(3);
    let (server, _) = Probe::on(&nodes[1]).await;
    let (last, board) = Probe::on(&nodes[2]).await;
    let (outcome, ()) = on(&nodes[0], async {
        let (via, to) = (server.pid(), last.pid());
        tokio::join!(Probe::call(via, move |reply| Ask::Pass(to, reply)), async {
            board.saw("kept").await;
            net.cut(&nodes[0], &nodes[1]);
            assert_eq!(nodes[0].pending_calls(), 1, "the second node has let go");
            net.cut(&nodes[0], &nodes[2]);
        })
    })
    .await;
    assert_eq!(outcome, Err(CallError::NoConnection { sent: true }));
    last.cast(Tell::AnswerKept).unwrap();
    until("the handle is used up", || nodes[2].calls_in_flight() == 0).await;
    assert_floor(&nodes);
}

#[tokio::test]
async fn a_handle_in_a_cast_is_answered_elsewhere() {
    let (_net, nodes) = Net::of(2);
    let (first, _) = Probe::on(&nodes[0]).await;
    let (second, _) = Probe::on(&nodes[1]).await;
    let patience = Duration::from_secs(5);
    let (future, reply, _guard) =
        noex_core::call::ReplyFuture::<u64>::new(&nodes[0], patience, std::task::Waker::noop());
    drop(first);
    on(&nodes[0], async {
        Probe::cast(second.pid(), Tell::Answer(Keeper(reply))).unwrap();
        assert_eq!(future.await, Ok(0));
    })
    .await;
    assert_floor(&nodes);
}
