//! A node that leaves while something still waits for a session.

use std::task::Poll;

use noex_core::{Creation, ExitReason, Pid, Router as _, Signal, Target};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn contract_c60_a_leave_goes_on_when_nobody_waits_for_it_any_more() {
    let bound = Cluster::bind(ClusterConfig::new("a").listen("127.0.0.1").port(0)).unwrap();
    let node = LocalNode::start(bound.node_id().clone());
    let cluster = bound.start(&node);
    // The machine knows nobody of that name: there is never a session.
    let stranger = Creation::from_bits(7);
    let router = &cluster.0.view.router;
    router.up(stranger);
    let reason = ExitReason::Normal;
    let to = Target::Process(Pid::new(stranger, 1));
    router.route(&to, Signal::Stop { reason }).unwrap();
    {
        let mut stopping = Box::pin(cluster.stop());
        let polled = std::future::poll_fn(|cx| Poll::Ready(stopping.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
    }
    let ended = tokio::time::timeout(Cluster::STOP_TIMEOUT, cluster.0.thread.ended());
    assert!(ended.await.is_ok(), "it is still a member");
    assert_eq!(cluster.status(), Status::Stopped);
}
