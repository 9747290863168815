//! What somebody who listens learns, and what is left of a secret.

use noex::Secret;
use noex::prelude::*;

use crate::mesh::{ask, known};
use crate::probe::ProbeCall;
use crate::proxy::Proxy;
use crate::support::{NodeProcess, Plan, SECRET, config, contains};

const PAYLOAD: &str = "a text that only the two of them may read";

/// A node in a process, and one of the test that reaches it through a proxy.
pub(crate) async fn through_a_proxy() -> (Node, Proxy, NodeProcess) {
    let process = Plan::new("b").start();
    let proxy = Proxy::start(process.address());
    let node = config("t").seed(proxy.address.to_string());
    let node = Node::start(node).await.unwrap();
    known(&node, "probe-b").await;
    (node, proxy, process)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_what_is_recorded_holds_neither_messages_nor_the_secret() {
    let (node, proxy, _process) = through_a_proxy().await;
    let _inside = node.enter();
    let echo = ask("probe-b", |reply| {
        ProbeCall::Echo(PAYLOAD.to_owned(), reply)
    })
    .await;
    assert_eq!(echo, PAYLOAD);
    let (there, back) = (proxy.heard_from_clients(), proxy.heard_from_server());
    assert_eq!(there.len(), 2, "a session has two connections");
    for recorded in there.iter().chain(&back) {
        assert!(recorded.len() > 100);
        for text in [PAYLOAD, SECRET, "probe"] {
            assert!(!contains(recorded, text), "{text}");
        }
    }
    assert!(there.iter().all(|recorded| recorded.starts_with(b"NOEX")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c13_a_running_node_has_no_secret_in_its_memory_and_none_in_its_log() {
    let secret = Secret::generate();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, secret.expose()).unwrap();
    let node = Node::start(config("t").secret(secret.clone()))
        .await
        .unwrap();
    let process = Plan::new("b")
        .secret_file(&path)
        .log("trace")
        .seed(node.id());
    let process = process.start();
    let _inside = node.enter();
    known(&node, "probe-b").await;
    let echo = ask("probe-b", |reply| {
        ProbeCall::Echo(PAYLOAD.to_owned(), reply)
    });
    assert_eq!(echo.await, PAYLOAD);
    process.logged(&["DEBUG", "handshake done"]).await;
    let log = process.log();
    assert!(log.iter().all(|line| !line.contains(secret.expose())));
    // The name of its probe shows that the search finds what is there.
    assert!(process.memory_holds("probe-b"));
    assert!(!process.memory_holds(secret.expose()));
}
