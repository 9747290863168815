//! Nodes that are killed, stopped, or leave, and come back.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{CallError, ClusterEvent, Events, NodeDownReason, NodeId};
use rustix::process::Signal;

use crate::mesh::{Mesh, ask, known};
use crate::probe::{Probe, ProbeCall, ProbeCast};
use crate::support::{INTERVAL, NodeProcess, Plan, THRESHOLD, config, down, eventually, up};

/// The comings and goings of `of` since `events` began, in the words of the nodes in processes.
pub(crate) async fn told_of(mut events: Events, of: &NodeId) -> Vec<String> {
    let mut told = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, events.next()).await {
        match event.unwrap() {
            ClusterEvent::NodeUp(info) if info.id == *of => told.push("up".to_owned()),
            ClusterEvent::NodeDown { id, reason } if id == *of => {
                told.push(format!("down {reason}"));
            }
            _ => {}
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c41_a_killed_node_is_down_within_a_second_on_every_other() {
    let Mesh {
        node,
        mut events,
        others: [mut b, c],
    } = Mesh::start(["b", "c"]).await;
    let all_events = node.cluster().subscribe();
    let killed = Instant::now();
    b.kill();
    let reason = down(&mut events, &b.id).await;
    assert_eq!(reason, NodeDownReason::ConnectionClosed);
    assert!(killed.elapsed() < Duration::from_secs(1));
    assert_eq!(c.wait_down(&b.id), "connection_closed");
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    // The next event after it shows that there was no second down.
    let last = Plan::new("last").seed(node.id()).start();
    up(&mut events, &last.id).await;
    c.wait_up(&last.id);
    assert_eq!(told_of(all_events, &b.id).await, ["down connection_closed"]);
    assert_eq!(c.told_of(&b.id), ["up", "down connection_closed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c21_a_stopped_node_is_down_in_time_and_comes_back_as_the_same_life() {
    let interval = Duration::from_secs(1);
    let plans = ["b", "c"].map(|name| Plan::new(name).interval(interval));
    let config = config("t").heartbeat_interval(interval);
    let mut mesh = Mesh::start_with(config, plans).await;
    let all_events = mesh.cluster().subscribe();
    let node = mesh.node.clone();
    let _inside = node.enter();
    let [b, c] = &mesh.others;
    let pid = mesh.registry().whereis("probe-b").unwrap();
    let stopped = Instant::now();
    b.signal(Signal::STOP);
    let reason = down(&mut mesh.events, &b.id).await;
    let here = stopped.elapsed();
    assert_eq!(reason, NodeDownReason::HeartbeatTimeout);
    assert_eq!(c.wait_down(&b.id), "heartbeat_timeout");
    let there = stopped.elapsed();
    let detection = interval * THRESHOLD;
    let window = interval * (THRESHOLD - 1)..detection + detection / 10;
    assert!(window.contains(&here), "here: {here:?}");
    assert!(window.contains(&there), "there: {there:?}");
    eventually("its names are gone", async || {
        mesh.registry().whereis("probe-b").is_none()
    })
    .await;

    b.signal(Signal::CONT);
    up(&mut mesh.events, &b.id).await;
    c.wait_up(&b.id);
    assert_eq!(known(&mesh, "probe-b").await, pid);
    let (id, same) = Probe::call(pid, ProbeCall::Where).await.unwrap();
    assert_eq!((&id, same), (&b.id, pid));
    assert_eq!(
        told_of(all_events, &b.id).await,
        ["down heartbeat_timeout", "up"]
    );
    assert_eq!(c.told_of(&b.id), ["up", "down heartbeat_timeout", "up"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c21_a_node_whose_workers_are_blocked_is_down_and_comes_back_as_the_same_life() {
    let mut mesh = Mesh::start(["b", "c"]).await;
    let all_events = mesh.cluster().subscribe();
    let node = mesh.node.clone();
    let _inside = node.enter();
    let [b, c] = &mesh.others;
    let pid = mesh.registry().whereis("probe-b").unwrap();
    let detection = INTERVAL * THRESHOLD;
    let blocked = Instant::now();
    Probe::cast(pid, ProbeCast::Block(3 * detection)).unwrap();
    let reason = down(&mut mesh.events, &b.id).await;
    let took = blocked.elapsed();
    assert_eq!(reason, NodeDownReason::HeartbeatTimeout);
    assert_eq!(c.wait_down(&b.id), "heartbeat_timeout");
    assert!(took > detection, "a node that may only be busy: {took:?}");
    up(&mut mesh.events, &b.id).await;
    c.wait_up(&b.id);
    assert_eq!(known(&mesh, "probe-b").await, pid);
    let told = ["down heartbeat_timeout", "up"];
    assert_eq!(told_of(all_events, &b.id).await, told);
    b.logged(&["WARN", "the runtime runs no tasks", "silent"])
        .await;
    b.logged(&["WARN", "the runtime runs tasks again"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c20_a_pause_that_is_shorter_than_the_detection_time_is_nobody_s_end() {
    is_nobody_s_end(async |b, time| {
        b.signal(Signal::STOP);
        tokio::time::sleep(time).await;
        b.signal(Signal::CONT);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c20_a_program_that_blocks_for_less_than_the_detection_time_stays_up() {
    is_nobody_s_end(async |b, time| {
        Probe::cast(Global(b.probe()), ProbeCast::Block(time)).unwrap();
    })
    .await;
}

/// Has a node held up three times for six tenths of the detection time.
async fn is_nobody_s_end(hold_up: impl AsyncFn(&NodeProcess, Duration)) {
    let mesh = Mesh::start(["b", "c"]).await;
    let _inside = mesh.node.enter();
    let all_events = [(); 2].map(|()| mesh.cluster().subscribe());
    let [b, c] = &mesh.others;
    let detection = INTERVAL * THRESHOLD;
    for _ in 0..3 {
        hold_up(b, detection.mul_f64(0.6)).await;
        // It answers, so what was held back has been heard on all sides.
        assert_eq!(ask("probe-b", ProbeCall::Where).await.0, b.id);
        tokio::time::sleep(INTERVAL).await;
    }
    let nobody = |line: &str| line.starts_with("down");
    assert!(b.says_nothing(detection, nobody));
    assert!(c.says_nothing(Duration::ZERO, nobody));
    for (events, id) in all_events.into_iter().zip([&b.id, &c.id]) {
        assert_eq!(told_of(events, id).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c20_interval_and_threshold_say_when_a_silent_node_is_down() {
    for (interval, threshold) in [(250, 2), (200, 10)] {
        let interval = Duration::from_millis(interval);
        let config = config("t").heartbeat_interval(interval);
        let plan = Plan::new("b")
            .interval(interval)
            .variable("NOEX_MISS_THRESHOLD", &threshold);
        let mut mesh = Mesh::start_with(config.miss_threshold(threshold), [plan]).await;
        let stopped = Instant::now();
        mesh.others[0].signal(Signal::STOP);
        let reason = down(&mut mesh.events, &mesh.others[0].id).await;
        let took = stopped.elapsed();
        assert_eq!(reason, NodeDownReason::HeartbeatTimeout);
        let detection = interval * threshold;
        let window = interval * (threshold - 1)..detection + detection / 10;
        assert!(window.contains(&took), "{detection:?}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c61_a_leave_is_seen_within_200_ms_without_any_heartbeat() {
    let interval = Duration::from_secs(60);
    let plans = ["b", "c"].map(|name| Plan::new(name).interval(interval));
    let config = config("t").heartbeat_interval(interval);
    let mut mesh = Mesh::start_with(config, plans).await;
    let [b, c] = &mut mesh.others;
    let left = Instant::now();
    assert!(b.leave());
    let reason = down(&mut mesh.events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert_eq!(c.wait_down(&b.id), "graceful_shutdown");
    let took = left.elapsed();
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c61_a_node_that_leaves_is_down_at_once_and_is_not_dialled_again() {
    let config = config("t").reconnect_base_delay(Duration::from_millis(50));
    let plans = ["b", "c"].map(Plan::new);
    let Mesh {
        node,
        mut events,
        others: [mut b, c],
    } = Mesh::start_with(config, plans).await;
    let all_events = node.cluster().subscribe();
    let left = Instant::now();
    assert!(b.leave());
    let reason = down(&mut events, &b.id).await;
    assert_eq!(reason, NodeDownReason::GracefulShutdown);
    assert_eq!(c.wait_down(&b.id), "graceful_shutdown");
    let took = left.elapsed();
    assert!(took < Duration::from_millis(200), "{took:?}");
    eventually("its names are gone", async || {
        node.registry().whereis("probe-b").is_none()
    })
    .await;

    let listener = TcpListener::bind((b.id.host(), b.id.port())).unwrap();
    listener.set_nonblocking(true).unwrap();
    let nobody = |line: &str| line.contains(&b.id.to_string());
    assert!(c.says_nothing(Duration::from_secs(1), nobody));
    assert!(listener.accept().is_err(), "somebody dialled");
    assert_eq!(told_of(all_events, &b.id).await, ["down graceful_shutdown"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c31_a_node_that_was_killed_is_dialled_until_it_is_back() {
    let config = config("t").reconnect_base_delay(Duration::from_millis(50));
    let mesh = Mesh::start_with(config, [Plan::new("b")]).await;
    let _inside = mesh.node.enter();
    let node = &mesh.node;
    let mut events = node.cluster().subscribe();
    let [mut b] = mesh.others;
    b.kill();
    down(&mut events, &b.id).await;
    // It does not look for the others itself: it has no seed.
    let back = Plan::new("b").port(b.id.port()).start();
    assert_eq!(back.id, b.id);
    up(&mut events, &b.id).await;
    known(node, "probe-b").await;
    assert_eq!(ask("probe-b", ProbeCall::Where).await.0, b.id);
}

/// Ends the node in one way and starts another one under its identity.
async fn come_back(end: impl FnOnce(&mut NodeProcess) -> &'static str) {
    let mesh = Mesh::start(["b", "c"]).await;
    let _inside = mesh.node.enter();
    let node = &mesh.node;
    let mut events = node.cluster().subscribe();
    let all_events = node.cluster().subscribe();
    let [mut b, c] = mesh.others;
    let old = node.registry().whereis("probe-b").unwrap();
    let reason = end(&mut b);
    assert_eq!(down(&mut events, &b.id).await.to_string(), reason);
    assert_eq!(c.wait_down(&b.id), reason);
    let plan = Plan::new("b").port(b.id.port());
    let back = plan.seed(node.id()).start();
    assert_eq!(back.id, b.id);
    up(&mut events, &b.id).await;
    c.wait_up(&b.id);
    let new = known(node, "probe-b").await;
    assert_ne!(new.creation(), old.creation());
    let ended = node.local().ended(old).await;
    assert_eq!(ended, ExitReason::NoProcess);
    let error = Probe::call(old, ProbeCall::Where).await.unwrap_err();
    assert_eq!(error, CallError::NoProcess);
    // The same number of the new life is another process, which the old pid must not reach.
    eventually("the third node refuses the old pid too", async || {
        let asked = ask("probe-c", |reply| ProbeCall::AskPid(old, reply)).await;
        asked == Err(CallError::NoProcess)
    })
    .await;
    let down = format!("down {reason}");
    assert_eq!(told_of(all_events, &b.id).await, [&*down, "up"]);
    assert_eq!(c.told_of(&b.id), ["up", &*down, "up"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c31_an_old_pid_does_not_reach_the_next_life_of_a_killed_node() {
    come_back(|node| {
        node.kill();
        "connection_closed"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c31_an_old_pid_does_not_reach_the_next_life_of_a_node_that_left() {
    come_back(|node| {
        assert!(node.leave());
        "graceful_shutdown"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c40_a_node_that_is_up_has_facts_and_is_listed() {
    let mesh = Mesh::start(["b"]).await;
    let mut up = Vec::new();
    let mut events = mesh.events;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, events.next()).await {
        if let Ok(ClusterEvent::NodeUp(info)) = event {
            // Its registry and its spawner run before it shows itself.
            assert!(info.process_count >= 2 && info.uptime > Duration::ZERO);
            up.push(info.id);
        }
    }
    assert_eq!(up, [mesh.others[0].id.clone()]);
    eventually("its heartbeat tells of its processes", async || {
        let nodes = mesh.node.cluster().nodes();
        let [b] = &*nodes else { return false };
        // Its registry, its spawner, its supervisor and its probe.
        b.process_count >= 4 && b.uptime > Duration::ZERO
    })
    .await;
}
