//! Programs that are applications: what starts and stops, in which order, and how they end.

use std::time::{Duration, Instant};

use noex::NodeDownReason;
use noex::prelude::*;
use rustix::process::Signal;

use crate::mesh::known;
use crate::part::PartClient;
use crate::support::{NodeProcess, PATIENCE, Plan, config, down, eventually};

/// The test's own node, and a shop with `log` and these children.
async fn start(children: &'static [&'static str]) -> (Node, NodeProcess) {
    let node = Node::start(config("t")).await.unwrap();
    let shop = Plan::new("shop").program("test_shop").arguments(children);
    let shop = shop.seed(node.id()).start();
    (node, shop)
}

/// Waits for the end of the shop: what it said, and whether it ended with code 0.
fn end(shop: &mut NodeProcess) -> (Vec<String>, bool) {
    let is_ok = shop.ended(PATIENCE);
    (shop.all_said(), is_ok)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_gets_sigterm_stops_in_reverse_order_and_exits_with_0() {
    stops_in_order(Signal::TERM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_gets_sigint_stops_in_reverse_order_and_exits_with_0() {
    stops_in_order(Signal::INT).await;
}

async fn stops_in_order(signal: Signal) {
    let (node, mut shop) = start(&["stock", "till"]).await;
    let _inside = node.enter();
    let mut events = node.cluster().subscribe();
    known(&node, "till").await;
    let asking = noex::spawn(async { Global("till").answer(Duration::from_secs(1)).await });
    eventually("the call is on its way", async || {
        node.local().pending_calls() == 1
    })
    .await;
    // It went the same way before this one: the shop has it.
    let heard = Global("log").answer(Duration::ZERO).await;
    assert!(heard.is_ok(), "{heard:?}");
    shop.signal(signal);
    let answer = asking.await.unwrap();
    assert_eq!(answer.as_deref(), Ok("till"));
    let reason = down(&mut events, &shop.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    let (said, is_ok) = end(&mut shop);
    let started = ["start", "+log", "+stock", "+till"];
    assert_eq!(said[..4], started);
    let stopped = ["prep_stop", "answered", "-till", "-stock", "-log", "stop"];
    assert_eq!(said[said.len() - 6..], stopped);
    assert!(is_ok, "the exit code is not 0");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_whose_child_does_not_start_stops_the_others_and_says_why() {
    let (node, mut shop) = start(&["stock", "broken", "till"]).await;
    let words = ["the program does not start", "`broken`", "it is broken"];
    shop.logged(&words).await;
    let (said, is_ok) = end(&mut shop);
    assert_eq!(said, ["start", "+log", "+stock", "-stock", "-log"]);
    assert!(!is_ok, "the exit code is 0");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_whose_root_gives_up_ends_with_an_error() {
    let (node, mut shop) = start(&["stock", "till"]).await;
    let _inside = node.enter();
    known(&node, "stock").await;
    Global("stock").end(ExitReason::error("no stock")).unwrap();
    shop.logged(&["the program failed", "`stock`", "too often"])
        .await;
    let (said, is_ok) = end(&mut shop);
    let ended = ["-stock", "-till", "-log", "stop"];
    assert_eq!(said[4..], ended);
    assert!(!is_ok, "the exit code is 0");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_whose_significant_child_is_done_exits_with_0() {
    let (node, mut shop) = start(&["stock", "till"]).await;
    let _inside = node.enter();
    known(&node, "till").await;
    Global("till").end(ExitReason::Normal).unwrap();
    let (said, is_ok) = end(&mut shop);
    assert_eq!(said[4..], ["-till", "-stock", "-log", "stop"]);
    assert!(is_ok, "the exit code is not 0");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_is_asked_to_end_while_it_starts_stops_what_has_started() {
    let (node, mut shop) = start(&["slow"]).await;
    shop.wait_for("?slow", |line| line == "?slow");
    shop.signal(Signal::TERM);
    let (said, is_ok) = end(&mut shop);
    let wanted = [
        "start",
        "+log",
        "?slow",
        "+slow",
        "prep_stop",
        "-slow",
        "-log",
        "stop",
    ];
    assert_eq!(said, wanted);
    assert!(is_ok, "the exit code is not 0");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_an_application_whose_child_never_stops_ends_within_25_s() {
    let (node, mut shop) = start(&["stock", "stubborn"]).await;
    let _inside = node.enter();
    let mut events = node.cluster().subscribe();
    known(&node, "stubborn").await;
    shop.signal(Signal::TERM);
    let is_ok = shop.ended(Duration::from_secs(25));
    assert!(is_ok, "the exit code is not 0");
    let reason = down(&mut events, &shop.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    let said = shop.all_said();
    assert!(said.contains(&"stop".to_owned()), "{said:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c60_a_program_whose_workers_are_all_blocked_ends_within_25_s() {
    let (node, mut shop) = start(&["stock"]).await;
    let _inside = node.enter();
    let mut events = node.cluster().subscribe();
    known(&node, "stock").await;
    Global("stock").block().unwrap();
    eventually("nobody is left to answer", async || {
        let answer = Global("stock").answer(Duration::ZERO);
        answer.timeout(Duration::from_millis(300)).await == Err(CallError::Timeout)
    })
    .await;
    let reason = down(&mut events, &shop.id).await;
    assert_eq!(reason, NodeDownReason::HeartbeatTimeout);
    let asked = Instant::now();
    shop.signal(Signal::TERM);
    let is_ok = shop.ended(Duration::from_secs(25));
    assert!(!is_ok, "the exit code is 0");
    assert!(
        asked.elapsed() > Duration::from_secs(20),
        "it was not waited for"
    );
    node.stop().await;
}
