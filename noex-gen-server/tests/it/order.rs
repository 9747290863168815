//! What one sender sends arrives in order, here and across nodes.

use noex_gen_server::GenServer;

use crate::server::{Probe, Tell};
use crate::support::{Net, on};

#[tokio::test]
async fn contract_c52_a_stop_comes_behind_what_was_sent_before_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(home).await;
        let pid = server.pid();
        let stopped = on(&nodes[0], async {
            Probe::cast(pid, Tell::Add(1)).unwrap();
            Probe::cast(pid, Tell::Add(2)).unwrap();
            Probe::stop(pid).await
        });
        assert_eq!(stopped.await, Ok(()));
        assert_eq!(board.log(), ["add 1", "add 2", "terminate normal"]);
        assert_eq!(home.process_count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_message_of_a_process_comes_before_its_down_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (watcher, board) = Probe::on(&nodes[0]).await;
        let (child, _) = Probe::on(home).await;
        watcher.cast(Tell::Watch(child.pid())).unwrap();
        on(&nodes[0], watcher.call(crate::server::Ask::Sum))
            .await
            .unwrap();
        child.cast(Tell::Report(watcher.pid(), 7)).unwrap();
        board.saw("down shutdown").await;
        assert_eq!(board.log(), ["sum", "add 7", "down shutdown"]);
    }
}
