//! Process groups.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use noex_core::mailbox::{Incoming, Info};
use noex_core::process::{Receiver, SpawnOptions};
use noex_core::{CallError, ExitReason, LocalNode, NameError, Pid, ReplyTo};
use noex_gen_server::{Context, Flow, GenServer, StartError};
use noex_registry::{Group, GroupEvent, Registry};
use parking_lot::Mutex;

use crate::support::{Ask, Network, Whoami, end, idle, on, registry, settle};

/// What a process was told of groups, in order.
type Told = Arc<Mutex<Vec<GroupEvent>>>;

/// A process that writes down what it is told of groups, and never ends by itself.
fn watcher(node: &LocalNode) -> (Pid, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    let body = |mut mailbox: Receiver<()>| async move {
        loop {
            if let Incoming::Info(info) = mailbox.next().await
                && let Info::Other(other) = *info
                && let Ok(event) = other.downcast::<GroupEvent>()
            {
                log.lock().push(*event);
            }
        }
    };
    (node.spawn(SpawnOptions::default(), body).pid(), told)
}

fn came(pid: Pid) -> GroupEvent {
    let group = "g".into();
    GroupEvent::Joined { group, pid }
}

fn went(pid: Pid) -> GroupEvent {
    let group = "g".into();
    GroupEvent::Left { group, pid }
}

fn sorted(mut pids: Vec<Pid>) -> Vec<Pid> {
    pids.sort();
    pids
}

#[tokio::test(start_paused = true)]
async fn all_nodes_know_the_members_of_all() {
    let (_network, nodes) = Network::with_nodes(3).await;
    let mut pids = Vec::new();
    for node in &nodes {
        let server = Whoami::start(()).name(Group("g")).on(node).await.unwrap();
        pids.push(server.pid());
    }
    settle().await;
    for (node, pid) in nodes.iter().zip(&pids) {
        assert_eq!(registry(node).members("g"), sorted(pids.clone()));
        assert_eq!(registry(node).local_members("g"), [*pid]);
        assert_eq!(registry(node).groups(), ["g".into()]);
        assert_eq!(registry(node).stats().groups, 1);
        assert_eq!(registry(node).stats().registrations, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_or_ends_is_a_member_nowhere() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let (leaves, ends) = (idle(&nodes[0]), idle(&nodes[0]));
    for pid in [leaves, leaves, ends] {
        registry(&nodes[0]).join("g", pid).unwrap();
    }
    settle().await;
    assert_eq!(registry(&nodes[1]).members("g"), sorted(vec![leaves, ends]));
    assert!(registry(&nodes[0]).leave("g", leaves));
    end(&nodes[0], ends).await;
    settle().await;
    assert_eq!(
        registry(&nodes[1]).members("g"),
        [leaves],
        "it joined twice"
    );
    assert!(registry(&nodes[0]).leave("g", leaves));
    assert!(!registry(&nodes[0]).leave("g", leaves));
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).members("g"), []);
        assert!(registry(node).groups().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_node_go_with_it_and_return_with_it() {
    let (network, nodes) = Network::with_nodes(3).await;
    let pids: Vec<Pid> = nodes.iter().map(idle).collect();
    for (node, pid) in nodes.iter().zip(&pids) {
        registry(node).join("g", *pid).unwrap();
    }
    settle().await;
    network.lose(&nodes[0]);
    settle().await;
    assert_eq!(registry(&nodes[0]).members("g"), [pids[0]]);
    for node in &nodes[1..] {
        assert_eq!(registry(node).members("g"), sorted(pids[1..].to_vec()));
    }
    network.join(&nodes[0]);
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).members("g"), sorted(pids.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_later_learns_the_members() {
    let (network, nodes) = Network::with_nodes(1).await;
    let pid = idle(&nodes[0]);
    registry(&nodes[0]).join("g", pid).unwrap();
    let late = LocalNode::start("late@127.0.0.1:9".parse().unwrap());
    Registry::start(&late).await.unwrap();
    network.join(&late);
    settle().await;
    assert_eq!(registry(&late).members("g"), [pid]);
}

#[tokio::test(start_paused = true)]
async fn a_join_whose_flood_was_lost_is_made_good() {
    let (network, nodes) = Network::with_nodes(3).await;
    network.loses_floods.store(true, Ordering::Relaxed);
    let pid = idle(&nodes[0]);
    registry(&nodes[0]).join("g", pid).unwrap();
    settle().await;
    assert_eq!(registry(&nodes[1]).members("g"), []);
    for _ in 0..2 {
        tokio::time::advance(Duration::from_secs(5)).await;
        settle().await;
    }
    for node in &nodes {
        assert_eq!(registry(node).members("g"), [pid]);
    }
}

#[tokio::test(start_paused = true)]
async fn only_living_processes_of_this_node_join() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let registry = registry(&nodes[0]);
    let (own, other) = (idle(&nodes[0]), idle(&nodes[1]));
    assert_eq!(registry.join("g", other), Err(NameError::NoProcess));
    assert_eq!(registry.join("", own), Err(NameError::Invalid));
    let long = "x".repeat(256);
    assert_eq!(registry.join(&long, own), Err(NameError::Invalid));
    assert_eq!(registry.join(&long[1..], own), Ok(()));
    end(&nodes[0], own).await;
    assert_eq!(registry.join("g", own), Err(NameError::NoProcess));
    let watched = registry.monitor_group("g", own);
    assert_eq!(watched, Err(NameError::NoProcess));
}

#[tokio::test(start_paused = true)]
async fn a_member_of_another_node_is_taken_out_there_alone() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let pid = idle(&nodes[0]);
    registry(&nodes[0]).join("g", pid).unwrap();
    settle().await;
    assert!(!registry(&nodes[1]).leave("g", pid));
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).members("g"), [pid]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_monitors_a_group_gets_its_members_and_each_change() {
    let (network, nodes) = Network::with_nodes(3).await;
    let pids: Vec<Pid> = nodes.iter().map(idle).collect();
    registry(&nodes[1]).join("g", pids[1]).unwrap();
    settle().await;
    let (watcher, told) = watcher(&nodes[0]);
    let there = registry(&nodes[0]).monitor_group("g", watcher);
    assert_eq!(there, Ok(vec![pids[1]]));
    registry(&nodes[0]).join("g", pids[0]).unwrap();
    settle().await;
    registry(&nodes[2]).join("g", pids[2]).unwrap();
    registry(&nodes[2]).join("other", pids[2]).unwrap();
    settle().await;
    end(&nodes[1], pids[1]).await;
    settle().await;
    network.lose(&nodes[2]);
    settle().await;
    let expected = [came(pids[0]), came(pids[2]), went(pids[1]), went(pids[2])];
    assert_eq!(*told.lock(), expected);
    registry(&nodes[0]).demonitor_group("g", watcher);
    registry(&nodes[0]).leave("g", pids[0]);
    settle().await;
    assert_eq!(told.lock().len(), expected.len());
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_started_again_goes_on_with_groups_and_their_watchers() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let node = &nodes[0];
    let (stays, ends) = (idle(node), idle(node));
    let (watcher, told) = watcher(node);
    registry(node).monitor_group("g", watcher).unwrap();
    for pid in [stays, ends] {
        registry(node).join("g", pid).unwrap();
    }
    end(node, node.whereis("noex.registry").unwrap()).await;
    end(node, ends).await;
    Registry::start(node).await.unwrap();
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).members("g"), [stays]);
    }
    assert_eq!(*told.lock(), [came(stays), came(ends), went(ends)]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_takes_its_processes_out_of_their_groups() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let pids: Vec<Pid> = nodes.iter().map(idle).collect();
    for (node, pid) in nodes.iter().zip(&pids) {
        registry(node).join("g", *pid).unwrap();
    }
    registry(&nodes[0]).register("a", pids[0]).unwrap();
    settle().await;
    registry(&nodes[0]).unregister_all();
    settle().await;
    for node in &nodes {
        assert_eq!(registry(node).members("g"), [pids[1]]);
        assert_eq!(registry(node).whereis("a"), None);
    }
    assert!(nodes[0].is_alive(pids[0]));
}

#[tokio::test(start_paused = true)]
async fn the_current_node_has_groups_once_its_registry_runs() {
    let node = LocalNode::start("n@127.0.0.1:1".parse().unwrap());
    let pid = idle(&node);
    assert_eq!(Group("g").join(pid), Err(NameError::NoProcess));
    assert_eq!(Group("g").members(), []);
    Registry::start(&node).await.unwrap();
    let _inside = node.enter();
    assert_eq!(Group("g").join(pid), Ok(()));
    assert_eq!(Group(String::from("g")).members(), [pid]);
    assert_eq!(Group("g").local_members(), [pid]);
    let (watcher, told) = watcher(&node);
    assert_eq!(Group("g").monitor(watcher), Ok(vec![pid]));
    let server = Whoami::start(()).await.unwrap();
    Group("g").join(&server).unwrap();
    settle().await;
    assert_eq!(*told.lock(), [came(server.pid())]);
    Group("g").demonitor(watcher);
    assert!(Group("g").leave(&server));
    assert!(!Group("g").leave(&server));
    assert_eq!(Group("g").members(), [pid]);
    settle().await;
    assert_eq!(told.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_init_fails_leaves_the_group_that_it_was_to_join() {
    let (_network, nodes) = Network::with_nodes(1).await;
    let started = Whoami::start(())
        .name(Group("g"))
        .name(Group(String::new()))
        .on(&nodes[0])
        .await;
    assert_eq!(started, Err(StartError::InvalidName));
    settle().await;
    assert_eq!(registry(&nodes[0]).members("g"), []);
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_group_are_called_together_wherever_they_are() {
    let (network, nodes) = Network::with_nodes(3).await;
    let mut pids = Vec::new();
    for node in &nodes {
        let server = Whoami::start(()).name(Group("g")).on(node).await.unwrap();
        pids.push(server.pid());
    }
    settle().await;
    let call = || on(&nodes[0], Whoami::call_many(Group("g"), Ask));
    let answers = call().await.unwrap();
    let expected = sorted(pids.clone()).into_iter().map(|pid| (pid, pid));
    assert_eq!(answers.replies, Vec::from_iter(expected));
    assert_eq!(answers.failures, []);
    // One ends, which nobody has heard of yet.
    network.loses_floods.store(true, Ordering::Relaxed);
    end(&nodes[1], pids[1]).await;
    let answers = call().await.unwrap();
    assert_eq!(answers.replies.len(), 2);
    assert_eq!(answers.failures, [(pids[1], CallError::NoProcess)]);
}

#[tokio::test(start_paused = true)]
async fn a_group_without_members_answers_nothing_and_one_without_a_node_fails() {
    let (_network, nodes) = Network::with_nodes(1).await;
    let nobody = on(&nodes[0], Whoami::call_many(Group("g"), Ask)).await;
    let nobody = nobody.unwrap();
    assert!(nobody.replies.is_empty() && nobody.failures.is_empty());
    let nowhere = Whoami::call_many(Group("g"), Ask).await;
    assert_eq!(nowhere, Err(CallError::NoNode));
}

#[tokio::test(start_paused = true)]
async fn a_cast_to_a_group_reaches_each_member_once() {
    let (_network, nodes) = Network::with_nodes(2).await;
    let mut notes = Vec::new();
    for node in &nodes {
        let note = Note::start(()).on(node).await.unwrap();
        for _twice in 0..2 {
            registry(node).join("g", note.pid()).unwrap();
        }
        notes.push(note);
    }
    settle().await;
    let refused = on(&nodes[0], async { Note::cast_many(Group("g"), || 7) }).await;
    assert_eq!(refused, Ok(Vec::new()));
    for (node, note) in nodes.iter().zip(&notes) {
        let noted = on(node, note.call(|reply| reply)).await;
        assert_eq!(noted, Ok(vec![7]));
    }
}

/// It keeps what it is told.
struct Note(Vec<u64>);

impl GenServer for Note {
    type Args = ();
    type Call = ReplyTo<Vec<u64>>;
    type Cast = u64;

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(Vec::new()))
    }

    async fn handle_call(&mut self, reply: Self::Call, _cx: &mut Context<Self>) -> Flow {
        reply.send(self.0.clone());
        Flow::Continue
    }

    async fn handle_cast(&mut self, number: u64, _cx: &mut Context<Self>) -> Flow {
        self.0.push(number);
        Flow::Continue
    }
}
