//! Calls that are not handled, since nobody waits for them any more.

use std::time::Duration;

use noex_core::call::SkippedCalls;
use noex_core::{CallError, LocalNode};
use noex_gen_server::{GenServer, ServerRef};

use crate::server::{Ask, Probe, Tell};
use crate::support::{Net, id, on, until};

const SECOND: Duration = Duration::from_secs(1);

/// Two calls to a server that is held up: one runs out of time, the other is given up.
async fn skip_two(caller: &LocalNode, server: &ServerRef<Probe>) {
    server.inspect().suspend();
    let pid = server.pid();
    let expiring = on(caller, Probe::call(pid, Ask::Sum).timeout(SECOND)).await;
    assert_eq!(expiring, Err(CallError::Timeout));
    let patience = tokio::time::timeout(SECOND, Probe::call(pid, Ask::Sum));
    on(caller, patience).await.unwrap_err();
    server.inspect().resume();
}

async fn is_counted(node: &LocalNode, server: &ServerRef<Probe>) {
    until("both are skipped", || {
        let skipped = node.skipped_calls();
        (skipped.expired, skipped.cancelled) == (1, 1)
    })
    .await;
    let info = server.inspect().info().unwrap();
    assert_eq!(info.mailbox.skipped_calls, node.skipped_calls());
}

#[tokio::test(start_paused = true)]
async fn calls_of_this_node_that_are_skipped_are_counted() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    assert_eq!(server.call(Ask::Sum).await, Ok(0));
    assert_eq!(node.skipped_calls(), SkippedCalls::default());
    skip_two(&node, &server).await;
    is_counted(&node, &server).await;
    assert_eq!(board.log(), ["sum"]);
    server.cast(Tell::Add(1)).unwrap();
    assert_eq!(server.call(Ask::Sum).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn calls_of_another_node_that_are_skipped_are_counted_where_the_server_is() {
    let (_net, nodes) = Net::of(2);
    let (server, board) = Probe::on(&nodes[1]).await;
    skip_two(&nodes[0], &server).await;
    is_counted(&nodes[1], &server).await;
    assert_eq!(nodes[0].skipped_calls(), SkippedCalls::default());
    assert!(board.log().is_empty());
}
