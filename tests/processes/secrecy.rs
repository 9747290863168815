//! What a man in the middle reads, changes, and repeats.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use noex::prelude::*;

use crate::mesh::{ask, known};
use crate::probe::{Probe, ProbeCall, ProbeCast};
use crate::proxy::Proxy;
use crate::support::{NodeProcess, PATIENCE, Plan, SECRET, config, eventually};

const PAYLOAD: &str = "a text that only the two of them may read";

/// A node in a process, and one of the test that reaches it through a proxy.
async fn through_a_proxy() -> (Node, Proxy, NodeProcess) {
    let process = Plan::new("b").start();
    let address = format!("{}:{}", process.id.host(), process.id.port());
    let proxy = Proxy::start(address.parse().unwrap());
    let node = config("t").seed(proxy.address.to_string());
    let node = Node::start(node).await.unwrap();
    known(&node, "probe-b").await;
    (node, proxy, process)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
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
async fn contract_c11_a_changed_bit_ends_the_connection_and_is_not_believed() {
    let (node, proxy, process) = through_a_proxy().await;
    let _inside = node.enter();
    let pid = known(&node, "probe-b").await;
    // The last connection that a session opens is the one that carries messages.
    proxy.flip_a_bit();
    Probe::cast(pid, ProbeCast::Note(1)).unwrap();
    let both_ended = async || proxy.ended() == 2;
    eventually("the session ends", both_ended).await;
    // The next session goes around the proxy: a member is dialled where it says that it is.
    eventually("there is another session", async || {
        Probe::call(pid, ProbeCall::Where).await.is_ok()
    })
    .await;
    let casts = Probe::call(pid, ProbeCall::Casts).await.unwrap();
    assert!(
        casts.is_empty(),
        "a changed message was believed: {casts:?}"
    );
    Probe::cast(pid, ProbeCast::Note(2)).unwrap();
    let casts = Probe::call(pid, ProbeCall::Casts).await.unwrap();
    assert_eq!(casts, [2]);
    let lost = |line: &str| line.starts_with("down");
    assert!(process.says_nothing(Duration::ZERO, lost));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_recorded_bytes_do_not_join_again() {
    let (node, proxy, process) = through_a_proxy().await;
    process.wait_up(node.id());
    let inside = node.enter();
    ask("probe-b", |reply| {
        ProbeCall::Echo(PAYLOAD.to_owned(), reply)
    })
    .await;
    drop(inside);
    node.stop().await;
    assert_eq!(process.wait_down(node.id()), "graceful_shutdown");
    let address = (process.id.host(), process.id.port());
    let recordings = proxy.heard_from_clients();
    assert_eq!(recordings.len(), 2);
    for recorded in recordings {
        let mut replay = TcpStream::connect(address).unwrap();
        replay.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may be closed before all is written.
        let _cut_off = replay.write_all(&recorded);
        let mut answer = Vec::new();
        // The answer to the first message is all that comes, if it is not reset.
        let _cut_off = replay.read_to_end(&mut answer);
        assert!(answer.len() < 1_100, "{} bytes", answer.len());
    }
    let anything = |line: &str| line.starts_with("up");
    assert!(process.says_nothing(Duration::from_millis(300), anything));
}
