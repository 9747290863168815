//! The end of a node: which of its processes stop, and how long that takes.

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use noex_core::LocalNode;
use noex_core::mailbox::Incoming;
use noex_core::process::SpawnOptions;
use tokio::time::Instant;

use crate::support::{Net, soon, until};

/// Processes that handle a message which does not yield until the sender is dropped.
async fn blocked(node: &LocalNode, count: usize) -> Vec<mpsc::Sender<()>> {
    let (entered_tx, entered) = mpsc::channel();
    let mut gates = Vec::new();
    for _ in 0..count {
        let (gate, closed) = mpsc::channel::<()>();
        let entered = entered_tx.clone();
        let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
            if let Incoming::Message(()) = mailbox.next().await {
                entered.send(()).unwrap();
                assert!(closed.recv().is_err());
            }
            pending().await
        });
        process.mailbox().push(()).unwrap();
        gates.push(gate);
    }
    let mut there = 0;
    let all = async {
        while there < count {
            there += entered.try_iter().count();
            tokio::task::yield_now().await;
        }
    };
    soon("all are blocked", all).await;
    gates
}

// More threads than processes that block them.
#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn contract_c60_however_many_processes_do_not_yield_they_are_waited_for_together() {
    let (_net, nodes) = Net::of(1);
    let node = &nodes[0];
    let gates = blocked(node, 10).await;
    let began = Instant::now();
    let killed = node.stop_processes(Duration::ZERO, Duration::ZERO).await;
    let took = began.elapsed();
    assert_eq!(killed, gates.len());
    assert!(took >= LocalNode::KILL_TIMEOUT, "{took:?}");
    assert!(took < LocalNode::KILL_TIMEOUT * 3, "{took:?}");
    drop(gates);
    until("they are gone when they yield", || {
        node.process_count() == 0
    })
    .await;
}
