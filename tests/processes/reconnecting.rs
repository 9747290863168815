//! When a node that is gone is dialled, and who comes back.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{Jitter, NodeDownReason, NodeId};
use rustix::process::Signal;

use crate::churning::take_turns;
use crate::failing::told_of;
use crate::mesh::{Mesh, ask, known};
use crate::probe::ProbeCall;
use crate::support::{PATIENCE, Plan, config, down, eventually, up};

/// A thirtieth of the default delays, but for the longest one.
const BASE: Duration = Duration::from_millis(200);
const MAX: Duration = Duration::from_millis(1_600);

/// The delays before the attempts, from the down on, in base delays.
const DELAYS: [u32; 7] = [1, 2, 4, 8, 8, 8, 8];

/// How far from its time an attempt may come.
const LATENESS: Duration = Duration::from_millis(90);

/// Takes the place of a node that is gone, answers nobody, and hears when it is dialled.
fn dials(id: &NodeId, count: usize) -> Vec<Instant> {
    let deadline = Instant::now() + PATIENCE;
    let listener = loop {
        match TcpListener::bind((id.host(), id.port())) {
            Ok(listener) => break listener,
            // What it leaves behind is about to be gone.
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {}
            Err(error) => panic!("the port of {id} can't be had: {error}"),
        }
    };
    let accept = |_| listener.accept().map(|_closed_at_once| Instant::now());
    (0..count).map(accept).collect::<Result<_, _>>().unwrap()
}

/// Demands that attempts to reach the node that has just gone down are spaced as promised.
async fn backs_off(node: &NodeId) {
    let (node, gone) = (node.clone(), Instant::now());
    let told = tokio::task::spawn_blocking(move || dials(&node, DELAYS.len()));
    let dials = tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
    let mut last = gone;
    for (dial, factor) in dials.into_iter().zip(DELAYS) {
        let (gap, delay) = (dial - last, BASE * factor);
        let window = delay.saturating_sub(LATENESS)..delay + LATENESS;
        assert!(window.contains(&gap), "{gap:?} in the place of {delay:?}");
        last = dial;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c30_attempts_are_twice_as_far_apart_each_time_and_start_over_after_a_success() {
    let config = config("t")
        .reconnect_base_delay(BASE)
        .reconnect_max_delay(MAX)
        .reconnect_jitter(Jitter::Off);
    let mesh = Mesh::start_with(config, [Plan::new("b")]).await;
    let mut events = mesh.node.cluster().subscribe();
    let [mut b] = mesh.others;
    for _ in 0..2 {
        b.kill();
        down(&mut events, &b.id).await;
        backs_off(&b.id).await;
        // It has no seed: it is found.
        b = Plan::new("b").port(b.id.port()).start();
        up(&mut events, &b.id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c31_a_node_that_fell_silent_and_died_is_dialled_until_it_is_back() {
    let config = config("t").reconnect_max_delay(BASE);
    let mesh = Mesh::start_with(config.reconnect_base_delay(BASE), [Plan::new("b")]).await;
    let _inside = mesh.node.enter();
    let mut events = mesh.node.cluster().subscribe();
    let [mut b] = mesh.others;
    b.signal(Signal::STOP);
    let reason = down(&mut events, &b.id).await;
    assert_eq!(reason, NodeDownReason::HeartbeatTimeout);
    b.kill();
    let back = Plan::new("b").port(b.id.port()).start();
    up(&mut events, &b.id).await;
    known(&mesh.node, "probe-b").await;
    assert_eq!(ask("probe-b", ProbeCall::Where).await.0, back.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c31_a_node_started_50_times_under_one_name_is_another_one_each_time() {
    const TIMES: usize = 50;
    let mesh = Mesh::start(["b", "c"]).await;
    let node = &mesh.node;
    let _inside = node.enter();
    let mut events = node.cluster().subscribe();
    let all_events = node.cluster().subscribe();
    let [mut b, c] = mesh.others;
    let mut pids = vec![known(node, "probe-b").await];
    for _ in 1..TIMES {
        b.kill();
        // The new life may be there before the end of the old one was noticed.
        b = Plan::new("b").port(b.id.port()).seed(node.id()).start();
        assert_ne!(
            down(&mut events, &b.id).await,
            NodeDownReason::GracefulShutdown
        );
        up(&mut events, &b.id).await;
        let holder = || node.registry().whereis("probe-b");
        eventually("its name leads to the new life", async || {
            holder().is_some_and(|pid| !pids.contains(&pid))
        })
        .await;
        pids.extend(holder());
    }
    for old in pids.iter().rev().skip(1) {
        assert_eq!(node.local().ended(*old).await, ExitReason::NoProcess);
    }
    let here = told_of(all_events, &b.id).await;
    assert!(
        here.len() == 2 * (TIMES - 1) && take_turns(&here, "down"),
        "{here:?}"
    );
    eventually("the other one sees it too", async || {
        c.told_so_far(&b.id).last().is_some_and(|last| last == "up")
    })
    .await;
    let there = c.told_so_far(&b.id);
    assert!(take_turns(&there, "up"), "{there:?}");
    // One life is remembered, however many there were.
    assert_eq!(node.cluster().nodes().len(), 2);
    eventually("one session with each", async || {
        node.cluster().stats().sessions == 2
    })
    .await;
}
