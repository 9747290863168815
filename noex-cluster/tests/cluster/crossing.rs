//! Nodes that dial each other at the same moment.

use std::net::TcpListener;

use noex_cluster::ClusterEvent;

use super::harness::{config, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_dial_each_other_keep_one_session() {
    for _round in 0..20 {
        let ports: Vec<u16> = (0..2)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .map(|probe| probe.local_addr().unwrap().port())
            .collect();
        let node = |name: &str, own: usize| {
            let other = ports[1 - own];
            start(
                config(name, &[])
                    .port(ports[own])
                    .seed(format!("127.0.0.1:{other}")),
            )
        };
        let (mut a, mut b) = (node("a", 0), node("b", 1));
        a.sees(&[b.id()]).await;
        b.sees(&[a.id()]).await;
        assert_eq!(
            (a.cluster.stats().sessions, b.cluster.stats().sessions),
            (1, 1)
        );
        for node in [&mut a, &mut b] {
            node.stop().await;
            let ups = |event: &&ClusterEvent| matches!(event, ClusterEvent::NodeUp(_));
            assert_eq!(node.seen.iter().filter(ups).count(), 1, "{:?}", node.seen);
        }
    }
}
