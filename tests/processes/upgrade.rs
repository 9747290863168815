//! Nodes of this version and of the next one.

use std::time::Duration;

use noex::prelude::*;
use noex_cluster::NextVersion;

use crate::mesh::{Mesh, ask, ask_to_ask, known};
use crate::probe::ProbeCall;
use crate::support::{Plan, config, eventually};

/// What each line has that tells of a connection which was refused or given up.
const REFUSED: &[&str] = &["WARN", "address="];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_the_next_version_joins_whoever_dials_and_its_new_frames_are_skipped() {
    // It is dialled by `b`, and dials `c`.
    let next = config("t").speak(NextVersion::Compatible);
    let mesh = Mesh::start_with(next, ["b"].map(Plan::new)).await;
    let _inside = mesh.enter();
    let c = Plan::new("c").start();
    let next = config("u")
        .speak(NextVersion::Compatible)
        .seed(c.id.to_string());
    let other = Node::start(next).await.unwrap();
    known(&other, "probe-c").await;
    let inside = other.enter();
    assert_eq!(ask("probe-c", ProbeCall::Where).await.0, c.id);
    drop(inside);
    for (asked, other) in [("probe-t", "probe-b"), ("probe-b", "probe-t")] {
        let answer = ask_to_ask(asked, other).await;
        assert!(answer.is_ok(), "{asked} asks {other}: {answer:?}");
    }
    for node in [&mesh.others[0], &c] {
        assert_eq!(node.logged_times(REFUSED), 0, "{:?}", node.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_given_up_this_version_is_refused_and_both_versions_are_named() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    let next = config("u").speak(NextVersion::Alone);
    let next = Node::start(next.seed(b.id.to_string())).await.unwrap();
    b.logged(&["WARN", "versions 2-2 of the peer", "our 1-1", "upgrade"])
        .await;
    assert_eq!(b.logged_times(REFUSED), 1, "{:?}", b.log());
    let c = Plan::new("c").seed(next.id()).start();
    c.logged(&["WARN", "versions 2-2 of the peer", "our 1-1", "upgrade"])
        .await;
    assert!(next.cluster().connected_nodes().is_empty());
    assert_eq!(mesh.connected("probe-b").await, [mesh.id().clone()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_without_a_common_wire_format_are_named_on_both_sides_whoever_dials() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    let words = ["WARN", "versions 2-2 of the peer", "our 1-1", "upgrade"];
    // It dials `b`, again and again, and is dialled by `c`.
    let next = config("u").speak(NextVersion::AloneByWire);
    let next = next.reconnect_max_delay(Duration::from_secs(1));
    let next = Node::start(next.seed(b.id.to_string())).await.unwrap();
    b.logged(&words).await;
    let c = Plan::new("c").seed(next.id()).start();
    c.logged(&words).await;
    assert_eq!(b.logged_times(REFUSED), 1, "{:?}", b.log());
    assert!(next.cluster().connected_nodes().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_frame_that_must_be_understood_ends_its_connection_and_both_versions_are_named() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    let next = config("u").speak(NextVersion::Demanding);
    let _next = Node::start(next.seed(b.id.to_string())).await.unwrap();
    let words = [
        "WARN",
        "unknown kind 127",
        "ours=(1, 1)",
        "theirs=(1, 2)",
        "upgrade",
    ];
    b.logged(&words).await;
    eventually("the cluster is as it was", async || {
        mesh.connected("probe-b").await == [mesh.id().clone()]
    })
    .await;
    assert_eq!(b.logged_times(REFUSED), 1, "{:?}", b.log());
}
