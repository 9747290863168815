//! Links, monitors and names, on one node and across two.

use std::future::Ready;
use std::sync::Arc;

use noex_core::mailbox::{Incoming, Info};
use noex_core::process::{Process, Receiver, SpawnOptions};
use noex_core::{ExitReason, LocalNode, MonitorRef, NameError, Panic, Pid, Signal, Target};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_for_a_process_that_ends_meanwhile_leaves_nothing_behind() {
    let (_net, nodes) = Net::of(1);
    let node = &nodes[0];
    let (target, told) = listener(node);
    node.trap_exit(target.pid(), true);
    for _ in 0..3_000 {
        let (watcher, _) = listener(node);
        watcher.mailbox().push(ExitReason::Shutdown).unwrap();
        let ended = node.ended(watcher.pid());
        // From outside, while it ends on the other worker.
        node.monitor(watcher.pid(), target.pid());
        node.link(watcher.pid(), target.pid());
        ended.await;
    }
    until("nobody is bound to it any more", || {
        let info = node.process_info(target.pid()).unwrap();
        info.monitored_by.is_empty() && info.links.is_empty()
    })
    .await;
    let links = told.lock().len();
    assert!(links <= 3_000, "{links} ends were told of");
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
async fn a_node_is_bound_to_those_whose_loss_would_break_a_monitor_or_a_link() {
    let (_net, nodes) = Net::of(3);
    let [here, there] = [0, 1].map(|at: usize| listener(&nodes[at]).0.pid());
    let bound = || {
        nodes
            .iter()
            .map(|node| node.bound_to().into_iter().collect())
    };
    let bound = || bound().collect::<Vec<Vec<_>>>();
    let (one, two) = (nodes[0].creation(), nodes[1].creation());
    let none = [vec![], vec![], vec![]];
    let both = [vec![two], vec![one], vec![]];
    assert_eq!(bound(), none);
    let monitor = nodes[0].monitor(here, there);
    assert_eq!(bound(), both);
    nodes[0].demonitor(here, monitor);
    assert_eq!(bound(), none);
    nodes[1].link(there, here);
    assert_eq!(bound(), both);
    nodes[1].unlink(there, here);
    let ended = nodes[1].ended(here);
    assert_eq!(bound(), both);
    drop(ended);
    assert_eq!(bound(), none);
    // What stays on one node crosses nothing.
    nodes[0].monitor(here, listener(&nodes[0]).0.pid());
    assert_eq!(bound(), none);
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

/// Waits until all that was sent to a listener of this node so far was told; what it was told.
async fn all_told(node: &LocalNode, listener: Pid, told: &Told) -> Vec<(Pid, ExitReason)> {
    // A monitor of nobody is told of behind all that was sent before.
    let nobody = Pid::new(node.creation(), u64::MAX);
    let before = told.lock().iter().filter(|(pid, _)| *pid == nobody).count();
    node.monitor(listener, nobody);
    let count = || told.lock().iter().filter(|(pid, _)| *pid == nobody).count();
    until("it is told of nobody", || count() > before).await;
    let told = told.lock();
    told.iter()
        .filter(|(pid, _)| *pid != nobody)
        .cloned()
        .collect()
}

/// Lets the process end by itself, and waits until it has.
async fn end(node: &LocalNode, process: &Process<ExitReason>, reason: ExitReason) {
    let ended = node.ended(process.pid());
    process.mailbox().push(reason).unwrap();
    soon("it ends", ended).await;
}

/// Every reason that a process can end with, of itself or because of others.
fn reasons() -> Vec<ExitReason> {
    vec![
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::ShutdownWith("the day is over".into()),
        ExitReason::Killed,
        ExitReason::Panic(Panic::new("it broke".into(), Some("a.rs:1:2".into()))),
        ExitReason::error("no disk"),
        ExitReason::NoProcess,
        ExitReason::NoConnection,
        ExitReason::NameConflict,
    ]
}

#[tokio::test]
async fn a_down_and_an_exit_have_exactly_the_reason_of_the_end() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        for reason in reasons() {
            let (target, _) = listener(node);
            let (watcher, seen) = listener(&nodes[0]);
            let (linked, trapped) = listener(&nodes[0]);
            nodes[0].trap_exit(linked.pid(), true);
            nodes[0].monitor(watcher.pid(), target.pid());
            nodes[0].link(linked.pid(), target.pid());
            end(node, &target, reason.clone()).await;
            let expected = [(target.pid(), reason)];
            assert_eq!(all_told(&nodes[0], watcher.pid(), &seen).await, expected);
            assert_eq!(all_told(&nodes[0], linked.pid(), &trapped).await, expected);
        }
    }
}

#[tokio::test]
async fn an_exit_signal_ends_who_does_not_trap_it_with_its_reason_unless_that_is_normal() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        for reason in reasons() {
            let (process, _) = listener(node);
            let ended = nodes[0].ended(process.pid());
            let sent = nodes[0].exit(nodes[0].pid(), process.pid(), reason.clone());
            sent.unwrap();
            let expected = match reason {
                ExitReason::Normal => {
                    process
                        .mailbox()
                        .push(ExitReason::error("still here"))
                        .unwrap();
                    ExitReason::error("still here")
                }
                reason => reason,
            };
            assert_eq!(soon("it ends", ended).await, expected);
        }
    }
}

#[tokio::test]
async fn who_traps_exits_is_told_of_all_but_a_kill() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (trapper, told) = listener(node);
        node.trap_exit(trapper.pid(), true);
        let from = nodes[0].pid();
        let mut expected = Vec::new();
        for reason in reasons() {
            if reason != ExitReason::Killed {
                nodes[0].exit(from, trapper.pid(), reason.clone()).unwrap();
                expected.push((from, reason));
            }
        }
        assert_eq!(all_told(node, trapper.pid(), &told).await, expected);
        let ended = nodes[0].ended(trapper.pid());
        nodes[0]
            .exit(from, trapper.pid(), ExitReason::Killed)
            .unwrap();
        assert_eq!(soon("it is killed", ended).await, ExitReason::Killed);
    }
}

#[tokio::test]
async fn the_kill_of_a_linked_process_is_told_to_who_traps_exits() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (killed, _) = listener(node);
        let (trapper, told) = listener(&nodes[0]);
        nodes[0].trap_exit(trapper.pid(), true);
        nodes[0].link(trapper.pid(), killed.pid());
        let ended = nodes[0].ended(killed.pid());
        node.exit(node.pid(), killed.pid(), ExitReason::Killed)
            .unwrap();
        soon("it is killed", ended).await;
        let told = all_told(&nodes[0], trapper.pid(), &told).await;
        assert_eq!(told, [(killed.pid(), ExitReason::Killed)]);
        assert!(nodes[0].is_alive(trapper.pid()));
    }
}

#[tokio::test]
async fn the_normal_end_of_a_linked_process_ends_nobody() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (linked, _) = listener(&nodes[0]);
        let (other, _) = listener(node);
        nodes[0].link(linked.pid(), other.pid());
        end(node, &other, ExitReason::Normal).await;
        let ended = nodes[0].ended(linked.pid());
        linked
            .mailbox()
            .push(ExitReason::error("still here"))
            .unwrap();
        assert_eq!(
            soon("it ends", ended).await,
            ExitReason::error("still here")
        );
    }
}

#[tokio::test]
async fn the_end_of_one_goes_through_a_chain_of_links_as_it_is() {
    let (_net, nodes) = Net::of(2);
    let chain = [0, 1, 0, 1].map(|place: usize| listener(&nodes[place]).0);
    for (place, pair) in chain.windows(2).enumerate() {
        nodes[place % 2].link(pair[0].pid(), pair[1].pid());
    }
    let last = nodes[0].ended(chain[3].pid());
    chain[0].mailbox().push(ExitReason::error("boom")).unwrap();
    assert_eq!(
        soon("the last one ends", last).await,
        ExitReason::error("boom")
    );
}

#[tokio::test]
async fn who_traps_exits_is_told_that_a_process_to_link_with_does_not_run() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (dead, _) = listener(node);
        end(node, &dead, ExitReason::Normal).await;
        let (trapper, told) = listener(&nodes[0]);
        nodes[0].trap_exit(trapper.pid(), true);
        nodes[0].link(trapper.pid(), dead.pid());
        let told = all_told(&nodes[0], trapper.pid(), &told).await;
        assert_eq!(told, [(dead.pid(), ExitReason::NoProcess)]);
    }
}

#[tokio::test]
async fn two_links_are_one_whoever_asked_for_them() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (one, told) = listener(&nodes[0]);
        let (other, _) = listener(node);
        nodes[0].trap_exit(one.pid(), true);
        nodes[0].link(one.pid(), other.pid());
        node.link(other.pid(), one.pid());
        nodes[0].link(one.pid(), other.pid());
        end(node, &other, ExitReason::Shutdown).await;
        let told = all_told(&nodes[0], one.pid(), &told).await;
        assert_eq!(told, [(other.pid(), ExitReason::Shutdown)]);
    }
}

#[tokio::test]
async fn a_link_that_either_side_took_back_tells_nobody() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        for taken_back_here in [true, false] {
            let (one, told) = listener(&nodes[0]);
            let (other, _) = listener(node);
            nodes[0].trap_exit(one.pid(), true);
            nodes[0].link(one.pid(), other.pid());
            nodes[0].link(one.pid(), other.pid());
            if taken_back_here {
                nodes[0].unlink(one.pid(), other.pid());
            } else {
                node.unlink(other.pid(), one.pid());
            }
            end(node, &other, ExitReason::Shutdown).await;
            assert_eq!(all_told(&nodes[0], one.pid(), &told).await, []);
        }
    }
}

#[tokio::test]
async fn a_link_with_oneself_is_none() {
    let node = LocalNode::start(id(1));
    let (process, told) = listener(&node);
    node.trap_exit(process.pid(), true);
    node.link(process.pid(), process.pid());
    assert_eq!(all_told(&node, process.pid(), &told).await, []);
    end(&node, &process, ExitReason::Shutdown).await;
}

#[tokio::test]
async fn an_exit_signal_to_oneself_is_one_like_others_and_a_normal_one_ends_nobody() {
    let node = LocalNode::start(id(1));
    for reason in reasons() {
        let (process, _) = listener(&node);
        let ended = node.ended(process.pid());
        node.exit(process.pid(), process.pid(), reason.clone())
            .unwrap();
        // OTP's `exit(self(), normal)` does end the process: there it is the way to stop.
        let expected = match reason {
            ExitReason::Normal => {
                process
                    .mailbox()
                    .push(ExitReason::error("still here"))
                    .unwrap();
                ExitReason::error("still here")
            }
            reason => reason,
        };
        assert_eq!(soon("it ends", ended).await, expected);
    }
    let (trapper, told) = listener(&node);
    node.trap_exit(trapper.pid(), true);
    let pid = trapper.pid();
    node.exit(pid, pid, ExitReason::Normal).unwrap();
    node.exit(pid, pid, ExitReason::Shutdown).unwrap();
    let expected = [(pid, ExitReason::Normal), (pid, ExitReason::Shutdown)];
    assert_eq!(all_told(&node, pid, &told).await, expected);
}

#[tokio::test]
async fn a_process_does_not_hear_of_its_own_end() {
    let node = LocalNode::start(id(1));
    let (process, told) = listener(&node);
    node.monitor(process.pid(), process.pid());
    assert_eq!(all_told(&node, process.pid(), &told).await, []);
    end(&node, &process, ExitReason::Shutdown).await;
    assert_eq!(told.lock().len(), 1, "it was told of nobody alone");
}

#[tokio::test]
async fn each_of_several_monitors_yields_a_down_of_its_own() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (target, _) = listener(node);
        let (watcher, told) = listener(&nodes[0]);
        let monitors = [(); 3].map(|()| nodes[0].monitor(watcher.pid(), target.pid()));
        assert!(monitors[0] != monitors[1] && monitors[1] != monitors[2]);
        nodes[0].demonitor(watcher.pid(), monitors[1]);
        end(node, &target, ExitReason::Shutdown).await;
        let told = all_told(&nodes[0], watcher.pid(), &told).await;
        assert_eq!(told, vec![(target.pid(), ExitReason::Shutdown); 2]);
    }
}

#[tokio::test]
async fn a_monitor_that_was_taken_back_tells_nothing_but_what_is_there_stays() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (target, _) = listener(node);
        let (watcher, told) = listener(&nodes[0]);
        let early = nodes[0].monitor(watcher.pid(), target.pid());
        nodes[0].demonitor(watcher.pid(), early);
        // Twice is as good as once.
        nodes[0].demonitor(watcher.pid(), early);
        let late = nodes[0].monitor(watcher.pid(), target.pid());
        end(node, &target, ExitReason::Shutdown).await;
        // OTP's option `flush` would take the `Down` out of the mailbox.
        nodes[0].demonitor(watcher.pid(), late);
        let told = all_told(&nodes[0], watcher.pid(), &told).await;
        assert_eq!(told, [(target.pid(), ExitReason::Shutdown)]);
    }
}

#[tokio::test]
async fn a_watcher_that_ended_leaves_its_target_alone() {
    let (_net, nodes) = Net::of(2);
    for node in &nodes {
        let (target, _) = listener(node);
        let (watcher, _) = listener(&nodes[0]);
        nodes[0].monitor(watcher.pid(), target.pid());
        end(&nodes[0], &watcher, ExitReason::error("boom")).await;
        assert!(node.is_alive(target.pid()), "a monitor is one-way");
        end(node, &target, ExitReason::Normal).await;
    }
}
