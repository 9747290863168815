//! Links, monitors and names, on one node and across two.

use std::future::Ready;
use std::sync::Arc;

use noex_core::mailbox::{Incoming, Info};
use noex_core::process::{Process, Receiver, SpawnOptions};
use noex_core::{ExitReason, LocalNode, MonitorRef, NameError, Pid, Signal, Target};
use parking_lot::Mutex;

use crate::support::{Net, id, on, soon, until};

/// What a process was told, in order.
type Told = Arc<Mutex<Vec<(Pid, ExitReason)>>>;

/// A process that writes down each `Down` and `Exit`, and ends when it gets a message.
fn listener(node: &LocalNode) -> (Arc<Process<ExitReason>>, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
        loop {
            match mailbox.next().await {
                Incoming::Message(reason) => return reason,
                Incoming::Info(info) => match *info {
                    Info::Down(down) => log.lock().push((down.pid, down.reason)),
                    Info::Exit(exit) => log.lock().push((exit.from, exit.reason)),
                    _ => {}
                },
                Incoming::Encoded(_) => {}
            }
        }
    });
    (process, told)
}

#[tokio::test]
async fn a_monitor_yields_one_down_with_the_reason_here_and_across_nodes() {
    let (_net, nodes) = Net::of(2);
    let (watcher, told) = listener(&nodes[0]);
    let mut expected = Vec::new();
    for node in &nodes {
        let (target, _) = listener(node);
        nodes[0].monitor(watcher.pid(), target.pid());
        target.mailbox().push(ExitReason::Shutdown).unwrap();
        node.ended(target.pid()).await;
        expected.push((target.pid(), ExitReason::Shutdown));
        // A dead pid is told of at once.
        nodes[0].monitor(watcher.pid(), target.pid());
        expected.push((target.pid(), ExitReason::NoProcess));
    }
    until("all are told", || told.lock().len() >= expected.len()).await;
    assert_eq!(*told.lock(), expected);
}

#[tokio::test]
async fn a_lost_session_tells_of_each_monitor_and_link_once() {
    let (net, nodes) = Net::of(2);
    let (watcher, told) = listener(&nodes[0]);
    let (target, _) = listener(&nodes[1]);
    nodes[0].trap_exit(watcher.pid(), true);
    nodes[0].monitor(watcher.pid(), target.pid());
    nodes[0].link(watcher.pid(), target.pid());
    let ended = nodes[0].ended(target.pid());
    net.cut(&nodes[0], &nodes[1]);
    nodes[0].session_lost(nodes[1].creation());
    assert_eq!(ended.await, ExitReason::NoConnection);
    until("both are told", || told.lock().len() >= 2).await;
    // The link reaches the other side as well.
    assert_eq!(
        nodes[1].ended(target.pid()).await,
        ExitReason::NoProcess,
        "the target does not trap exits"
    );
    watcher.mailbox().push(ExitReason::Normal).unwrap();
    nodes[0].ended(watcher.pid()).await;
    let lost = (target.pid(), ExitReason::NoConnection);
    assert_eq!(*told.lock(), [lost.clone(), lost]);
}

#[tokio::test]
async fn a_monitor_on_a_node_that_is_cut_off_tells_no_connection() {
    let (net, nodes) = Net::of(2);
    let (target, _) = listener(&nodes[1]);
    net.cut(&nodes[0], &nodes[1]);
    let reason = nodes[0].ended(target.pid()).await;
    assert_eq!(reason, ExitReason::NoConnection);
}

#[tokio::test]
async fn a_superseded_life_has_no_processes() {
    let (net, nodes) = Net::of(2);
    let (target, _) = listener(&nodes[1]);
    net.cut(&nodes[0], &nodes[1]);
    let _again = net.start(2);
    assert_eq!(nodes[0].ended(target.pid()).await, ExitReason::NoProcess);
}

#[tokio::test]
async fn a_down_for_another_pid_leaves_the_monitor_set() {
    let (_net, nodes) = Net::of(2);
    let (watcher, told) = listener(&nodes[0]);
    let (target, _) = listener(&nodes[1]);
    let monitor = nodes[0].monitor(watcher.pid(), target.pid());
    let forged = Signal::Down {
        pid: Pid::new(nodes[1].creation(), 999),
        monitor,
        reason: ExitReason::Normal,
    };
    let to = Target::Process(watcher.pid());
    nodes[0].deliver(nodes[1].creation(), &to, forged);
    target.mailbox().push(ExitReason::Shutdown).unwrap();
    let told_right = || *told.lock() == [(target.pid(), ExitReason::Shutdown)];
    nodes[1].ended(target.pid()).await;
    until("the true one arrives", told_right).await;
    assert_ne!(monitor, MonitorRef::from_bits(0));
}

#[tokio::test]
async fn a_linked_process_ends_with_its_peer_unless_it_traps_exits() {
    let (_net, nodes) = Net::of(2);
    for other in &nodes {
        let (victim, _) = listener(&nodes[0]);
        let (trapper, told) = listener(&nodes[0]);
        let (peer, _) = listener(other);
        nodes[0].trap_exit(trapper.pid(), true);
        nodes[0].link(victim.pid(), peer.pid());
        nodes[0].link(trapper.pid(), peer.pid());
        let ended = nodes[0].ended(victim.pid());
        peer.mailbox().push(ExitReason::error("boom")).unwrap();
        assert_eq!(ended.await, ExitReason::error("boom"));
        until("the trapper is told", || told.lock().len() == 1).await;
        assert_eq!(*told.lock(), [(peer.pid(), ExitReason::error("boom"))]);
    }
}

#[tokio::test]
async fn a_kill_can_not_be_trapped_and_goes_over_links_as_killed() {
    let (_net, nodes) = Net::of(2);
    let (killed, _) = listener(&nodes[1]);
    let (linked, _) = listener(&nodes[0]);
    nodes[1].trap_exit(killed.pid(), true);
    nodes[0].link(linked.pid(), killed.pid());
    let ended = (nodes[0].ended(killed.pid()), nodes[0].ended(linked.pid()));
    nodes[0]
        .exit(nodes[0].pid(), killed.pid(), ExitReason::Killed)
        .unwrap();
    assert_eq!(ended.0.await, ExitReason::Killed);
    assert_eq!(ended.1.await, ExitReason::Killed);
}

#[tokio::test]
async fn a_link_with_a_dead_process_ends_the_one_who_asked() {
    let (_net, nodes) = Net::of(2);
    for other in &nodes {
        let (dead, _) = listener(other);
        dead.mailbox().push(ExitReason::Normal).unwrap();
        other.ended(dead.pid()).await;
        let (asker, _) = listener(&nodes[0]);
        let ended = nodes[0].ended(asker.pid());
        nodes[0].link(asker.pid(), dead.pid());
        assert_eq!(ended.await, ExitReason::NoProcess);
    }
}

#[tokio::test]
async fn contract_c57_a_local_name_is_gone_with_its_process() {
    let node = LocalNode::start(id(1));
    let (process, _) = listener(&node);
    let (other, _) = listener(&node);
    node.register("one", process.pid()).unwrap();
    assert_eq!(node.whereis("one"), Some(process.pid()));
    assert_eq!(
        node.register("one", other.pid()),
        Err(NameError::Taken(process.pid()))
    );
    assert_eq!(node.register("", other.pid()), Err(NameError::Invalid));
    process.mailbox().push(ExitReason::Normal).unwrap();
    node.ended(process.pid()).await;
    assert_eq!(node.whereis("one"), None);
    assert_eq!(
        node.register("one", process.pid()),
        Err(NameError::NoProcess)
    );
    node.register("one", other.pid()).unwrap();
    assert_eq!(node.unregister("one"), Some(other.pid()));
    assert_eq!(node.whereis("one"), None);
    assert!(node.names().is_empty());
}

#[tokio::test]
async fn a_process_that_panics_ends_with_the_message_and_the_place() {
    let node = LocalNode::start(id(1));
    let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
        drop::<Incoming<()>>(mailbox.next().await);
        panic!("it broke");
    });
    let ended = node.ended(process.pid());
    process.mailbox().push(()).unwrap();
    let ExitReason::Panic(panic) = soon("it ends", ended).await else {
        panic!("it ended in another way");
    };
    assert_eq!(&*panic.message, "it broke");
    assert!(panic.location.unwrap().contains("relations.rs"));
}

#[tokio::test]
async fn a_process_whose_body_can_not_be_made_is_a_process_that_panicked() {
    let node = LocalNode::start(id(1));
    let process = node.spawn(
        SpawnOptions::default(),
        |_mailbox: Receiver<()>| -> Ready<ExitReason> { panic!("no body") },
    );
    assert!(process.mailbox().is_closed());
    assert_eq!(node.process_count(), 0);
}

#[tokio::test]
async fn each_node_is_the_current_one_of_its_own_code() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let current = on(node, async { LocalNode::current().unwrap().creation() }).await;
        assert_eq!(current, node.creation());
    }
    assert!(LocalNode::current().is_none());
}
