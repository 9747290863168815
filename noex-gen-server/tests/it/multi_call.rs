//! The same call to several servers.

use std::time::Duration;

use noex_core::{CallError, NodeId};
use noex_gen_server::multi_call;
use tokio::time::Instant;

use crate::server::{Ask, Probe, Tell};
use crate::support::{Net, id, on};

#[tokio::test(start_paused = true)]
async fn each_server_answers_or_fails_on_its_own() {
    let (_net, nodes) = Net::of(2);
    let (one, _) = Probe::on(&nodes[0]).await;
    let (two, _) = Probe::on(&nodes[1]).await;
    let (busy, board) = Probe::on(&nodes[1]).await;
    let (gone, _) = Probe::on(&nodes[0]).await;
    two.cast(Tell::Add(2)).unwrap();
    busy.cast(Tell::Wait).unwrap();
    gone.stop().await.unwrap();
    board.saw("waits").await;
    let to = [&one, &two, &busy, &gone].map(|server| server.pid());
    let began = Instant::now();
    let calls = multi_call::<Probe, _, _, _>(to, Ask::Sum, Duration::from_secs(1));
    let outcomes = on(&nodes[0], calls).await;
    let expected = [
        Ok(0),
        Ok(2),
        Err(CallError::Timeout),
        Err(CallError::NoProcess),
    ];
    assert_eq!(outcomes, Vec::from_iter(to.into_iter().zip(expected)));
    assert_eq!(began.elapsed().as_secs(), 1);
}

#[tokio::test]
async fn a_name_is_called_on_each_node() {
    let (_net, nodes) = Net::of(3);
    for (number, node) in [(1, &nodes[0]), (2, &nodes[1])] {
        let (server, _) = Probe::on(node).await;
        server.cast(Tell::Add(number)).unwrap();
        node.register("shard", server.pid()).unwrap();
    }
    let ids: Vec<NodeId> = (1..=4).map(id).collect();
    let to = ids.iter().map(|id| ("shard", id));
    let calls = multi_call::<Probe, _, _, _>(to, Ask::Sum, Duration::from_secs(1));
    let outcomes = on(&nodes[0], calls).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    let expected = [
        Ok(1),
        Ok(2),
        Err(CallError::NoProcess),
        Err(CallError::NoConnection { sent: false }),
    ];
    assert_eq!(outcomes, expected);
}
