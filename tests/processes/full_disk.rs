//! Nodes whose log can't be written.

use noex::NodeDownReason;
use noex::prelude::*;

use crate::mesh::{Mesh, ask};
use crate::probe::{Probe, ProbeCall};
use crate::support::{Plan, config, down, eventually, up};

/// Every write to it fails, as on a disk that is full.
const FULL_DISK: &str = "/dev/full";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_log_is_on_a_full_disk_lives_on() {
    // It logs all that happens to it, on the threads on which it happens.
    let plan = |name| Plan::new(name).log("trace").log_file(FULL_DISK);
    let mut mesh = Mesh::start_with(config("t"), ["b", "c"].map(plan)).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let [b, c] = &mut mesh.others;
    c.kill();
    assert_eq!(b.wait_down(&c.id), "connection_closed");
    let back = plan("c").port(c.id.port()).seed(node.id()).start();
    b.wait_up(&back.id);
    down(&mut mesh.events, &c.id).await;
    up(&mut mesh.events, &back.id).await;
    for asked in ["probe-b", "probe-c"] {
        eventually("its probe has its name again", async || {
            node.registry().whereis(asked).is_some()
        })
        .await;
        let panicking = |reply| ProbeCall::Panic("told to".to_owned(), reply);
        let start = |reply| ProbeCall::Start(format!("{asked}-2"), reply);
        let second = ask(asked, start).await.unwrap();
        // That its end can't be logged is no reason for others to end.
        Probe::call(second, panicking).await.unwrap_err();
        assert_eq!(ask(asked, ProbeCall::Where).await.0.name(), &asked[6..]);
    }
    assert!(b.leave(), "it ends in order");
    let reason = down(&mut mesh.events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
}
