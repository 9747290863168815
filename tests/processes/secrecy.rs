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
    let (node, proxy, process) = through_a_proxy().await;
    let _inside = node.enter();
    let error = ask("probe-b", |reply| {
        ProbeCall::Echo(PAYLOAD.to_owned(), reply)
    })
    .await;
    assert_eq!(error, PAYLOAD);
    let (there, back) = (proxy.heard_from_clients(), proxy.heard_from_server());
    assert_eq!(there.len(), 2, "a session has two connections");
    for recorded in there.iter().chain(&back) {
        assert!(recorded.len() > 100);
        for text in [PAYLOAD, SECRET, "probe", process.id.name()] {
            // Two bytes may be anywhere by chance.
            assert!(text.len() < 3 || !contains(recorded, text), "{text}");
        }
    }
    assert!(there.iter().all(|recorded| recorded.starts_with(b"NOEX")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_changed_bit_ends_the_connection_and_is_not_believed() {
    let (node, proxy, process) = through_a_proxy().await;
    let _inside = node.enter();
    let pid = known(&node, "probe-b").await;
    proxy.flip_a_bit();
    // The heartbeat may be the one that is changed; then this is lost with the session, or it
    // comes through another one, whole.
    for number in 0..10 {
        // A lost connection refuses it.
        drop(Probe::cast(pid, ProbeCast::Note(number)));
    }
    eventually("the connection ends", async || proxy.flipped_has_ended()).await;
    eventually("there is another connection", async || {
        Probe::call(pid, ProbeCall::Where).await.is_ok()
    })
    .await;
    let casts = Probe::call(pid, ProbeCall::Casts).await.unwrap();
    let whole: Vec<u64> = (0..casts.len() as u64).collect();
    assert_eq!(casts, whole, "what comes is what was sent, without a gap");
    assert!(casts.len() < 10, "nothing was lost, so nothing was changed");
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
