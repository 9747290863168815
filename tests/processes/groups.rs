//! Process groups whose members are lost with their node.

use noex::prelude::*;
use noex::{CallError, NodeId, Pid, Wire};

use crate::mesh::{Mesh, ask};
use crate::probe::{GroupCall, Probe, ProbeCall};
use crate::support::{NodeProcess, eventually};

async fn ask_of_groups<R: Wire>(asked: &str, make: impl FnOnce(ReplyTo<R>) -> GroupCall) -> R {
    ask(asked, |reply| ProbeCall::Group(make(reply))).await
}

/// The members of the group of all probes, as the node of this probe knows.
async fn members(asked: &str) -> Vec<Pid> {
    let members = |reply| GroupCall::Members("probes".into(), reply);
    ask_of_groups(asked, members).await
}

/// Waits until the nodes of all these probes know `count` members.
async fn all_know(asked: &[String], count: usize) {
    for asked in asked {
        let what = format!("{asked} knows {count} members");
        eventually(&what, async || members(asked).await.len() == count).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_leaves_its_group_when_its_node_is_killed() {
    let mut mesh = Mesh::start(["b", "c"]).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    all_know(&mesh.probes(), 3).await;
    let watch = |reply| GroupCall::Watch("probes".into(), reply);
    assert_eq!(ask_of_groups("probe-b", watch).await.len(), 3);
    let (lost_id, lost) = ask("probe-c", ProbeCall::Where).await;
    let [_, c] = &mut mesh.others;
    assert_eq!(c.id, lost_id);
    c.kill();
    let left = ["probe-t".to_owned(), mesh.others[0].probe()];
    all_know(&left, 2).await;
    for asked in &left {
        assert!(!members(asked).await.contains(&lost), "as {asked} knows");
    }
    let told = async || ask_of_groups("probe-b", GroupCall::Changes).await;
    eventually("who watches it is told", async || !told().await.is_empty()).await;
    assert_eq!(told().await, [(false, lost)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_members_of_a_group_on_all_nodes_are_called_at_once() {
    let mut mesh = Mesh::start(["b", "c"]).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    all_know(&mesh.probes(), 3).await;
    let answers = Probe::call_many(Group("probes"), ProbeCall::Where).await;
    let answers = answers.unwrap();
    assert_eq!(answers.failures, []);
    for (asked, (_, replied)) in &answers.replies {
        assert_eq!(asked, replied);
    }
    let mut homes: Vec<NodeId> = answers.replies.into_iter().map(|(_, (id, _))| id).collect();
    homes.sort();
    let others = mesh.others.iter().map(|other| other.id.clone());
    let mut expected: Vec<NodeId> = others.chain([node.id().clone()]).collect();
    expected.sort();
    assert_eq!(homes, expected);
    // One that is gone, of which nobody knows yet, fails alone or is a member no more.
    mesh.others[1].kill();
    let answers = Probe::call_many(Group("probes"), ProbeCall::Where).await;
    let answers = answers.unwrap();
    assert_eq!(answers.replies.len(), 2);
    for (_, error) in answers.failures {
        assert!(matches!(error, CallError::NoConnection { .. }), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ends_in_order_takes_its_members_along() {
    let mut mesh = Mesh::start(["b"]).await;
    let _inside = mesh.node.enter();
    all_know(&mesh.probes(), 2).await;
    assert!(NodeProcess::leave(&mut mesh.others[0]));
    all_know(&["probe-t".to_owned()], 1).await;
}
