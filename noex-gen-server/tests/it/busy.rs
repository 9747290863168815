//! Many at once.

use std::time::Duration;

use noex_core::{CallError, task};
use noex_gen_server::GenServer;
use tokio::runtime::Handle;

use crate::server::{Ask, Probe, Tell};
use crate::support::{Net, on, soon, until};

/// One caller of a load: answers, crashes, time-outs and calls that are given up.
async fn load(home: noex_core::LocalNode, caller: noex_core::LocalNode) {
    for round in 0..20_u64 {
        let (server, board) = Probe::on(&home).await;
        let pid = server.pid();
        on(&caller, async {
            assert_eq!(Probe::call(pid, Ask::Sum).await, Ok(0));
            let short = Duration::from_millis(1 + round % 3);
            let kept = Probe::call(pid, Ask::Keep).timeout(short).await;
            assert_eq!(kept, Err(CallError::Timeout));
            drop(tokio::time::timeout(short, Probe::call(pid, Ask::Wait)).await);
            let (first, second, ()) = tokio::join!(
                Probe::call(pid, Ask::Panic),
                Probe::call(pid, Ask::Sum),
                async {
                    board.open();
                    board.open();
                }
            );
            assert!(matches!(first, Err(CallError::Exited(_))), "{first:?}");
            second.unwrap_err();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_load_all_tables_are_back_at_their_floor() {
    let (_net, nodes) = Net::of(2);
    let loads: Vec<_> = (0..8)
        .map(|number| {
            let (home, caller) = (nodes[number % 2].clone(), nodes[number / 2 % 2].clone());
            task::spawn_on(&Handle::current(), load(home, caller))
        })
        .collect();
    for load in loads {
        soon("the load ends", load).await.unwrap();
    }
    for node in &nodes {
        until("no process is left", || node.process_count() == 0).await;
        until("no call is left", || {
            (node.pending_calls(), node.calls_in_flight()) == (0, 0)
        })
        .await;
    }
}

#[tokio::test]
async fn one_busy_server_does_not_starve_another() {
    let (_net, nodes) = Net::of(1);
    let (busy, _) = Probe::on(&nodes[0]).await;
    let (other, _) = Probe::on(&nodes[0]).await;
    for _ in 0..50_000 {
        busy.cast(Tell::Add(1)).unwrap();
    }
    assert_eq!(other.call(Ask::Sum).await, Ok(0));
    assert!(
        !busy_is_done(&nodes[0], busy.pid()),
        "it waited for the busy one"
    );
    assert_eq!(busy.call(Ask::Sum).await, Ok(50_000));
}

fn busy_is_done(node: &noex_core::LocalNode, pid: noex_core::Pid) -> bool {
    let process = node.find::<noex_gen_server::Request<Probe>>(pid).unwrap();
    process.mailbox().is_empty()
}
