//! Rows of the contract, by number.

use noex_core::{CallError, ExitReason, Pid};
use noex_gen_server::{GenServer, ServerRef};

use crate::server::{Ask, Board, Init, Probe, Tell};
use crate::support::{Net, on};

/// One line of code for a server here and one elsewhere.
async fn add_and_ask(pid: Pid) -> Result<u64, CallError> {
    let server = ServerRef::<Probe>::from_pid(pid);
    server.cast(Tell::Add(20)).unwrap();
    Probe::cast(pid, Tell::Add(22)).unwrap();
    server.call(Ask::Sum).await
}

#[tokio::test]
async fn contract_c50_a_call_reaches_a_server_here_and_there_by_the_same_code() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let server = Probe::start((Init::Ok, Board::new())).name("sum").on(home);
        let pid = server.await.unwrap().pid();
        assert_eq!(on(&nodes[0], add_and_ask(pid)).await, Ok(42));
        let named = on(&nodes[0], Probe::call(("sum", home.id()), Ask::Sum));
        assert_eq!(named.await, Ok(42));
    }
    assert_eq!(nodes[0].pending_calls(), 0);
    assert_eq!(nodes[1].calls_in_flight(), 0);
}

#[tokio::test]
async fn contract_c55_a_server_handles_one_message_after_the_other_and_ends_in_order() {
    let (_net, nodes) = Net::of(1);
    let (server, board) = Probe::on(&nodes[0]).await;
    server.cast(Tell::Wait).unwrap();
    server.cast(Tell::Add(1)).unwrap();
    board.saw("waits").await;
    assert_eq!(board.log(), ["waits"], "the next one waits for the handler");
    board.open();
    assert_eq!(server.call(Ask::Sum).await, Ok(1));
    server.cast(Tell::End(ExitReason::Normal)).unwrap();
    nodes[0].ended(server.pid()).await;
    assert_eq!(board.log(), ["waits", "add 1", "sum", "terminate normal"]);
}

#[tokio::test]
async fn contract_c57_a_name_in_a_call_finds_its_server_while_that_runs() {
    let (_net, nodes) = Net::of(1);
    on(&nodes[0], async {
        let server = Probe::start((Init::Ok, Board::new())).name("sum").await;
        assert_eq!(Probe::call("sum", Ask::Sum).await, Ok(0));
        Probe::stop("sum").await.unwrap();
        let gone = Probe::call("sum".to_owned(), Ask::Sum).await;
        assert_eq!(gone, Err(CallError::NoProcess));
        assert_eq!(nodes[0].whereis("sum"), None);
        drop(server);
    })
    .await;
}
