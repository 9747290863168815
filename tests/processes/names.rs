//! Cluster-wide names, and children that move when their node is lost.

use std::future::Future;
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{CallError, DistributedSupervisor, Mode, Pid, RemoteChild};

use crate::mesh::{Mesh, ask, known, whereis};
use crate::probe::{Probe, ProbeCall};
use crate::support::{NodeProcess, PATIENCE, Plan, config, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c53_a_child_of_a_killed_node_answers_under_its_name_on_another() {
    let mut mesh = Mesh::start(["b", "c"]).await;
    let node = mesh.node.clone();
    let _inside = node.enter();
    let children = ["one", "two"]
        .map(|name| RemoteChild::of::<Probe>(format!("child-{name}"), ()).global_name(name));
    let supervisor = DistributedSupervisor::builder(Mode::Available).only_others();
    supervisor.children(children).start().await.unwrap();
    let old = known(&node, "one").await;
    let (home, _) = ask("one", ProbeCall::Where).await;
    let killed = Instant::now();
    let lost = mesh.others.iter_mut().find(|other| other.id == home);
    lost.unwrap().kill();
    eventually("the child is back", async || {
        let holder = node.registry().whereis("one");
        holder.is_some_and(|pid| pid != old)
    })
    .await;
    let (elsewhere, _) = ask("one", ProbeCall::Where).await;
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    let left = mesh.others.iter().find(|other| other.id != home).unwrap();
    assert_eq!(elsewhere, left.id);
    // Its brother did not move.
    assert_eq!(ask("two", ProbeCall::Where).await.0, left.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c51_two_that_claim_a_name_at_one_moment_leave_one_owner_everywhere() {
    let mesh = Mesh::start(["b", "c"]).await;
    let _inside = mesh.enter();
    let (mut conflicts, mut rounds) = (0, 0);
    while conflicts < 10 {
        rounds += 1;
        assert!(rounds < 200, "only {conflicts} were at one moment");
        let name = format!("wanted-{rounds}");
        let claim = |asked| ask(asked, |reply| ProbeCall::Start(name.clone(), reply));
        match tokio::join!(claim("probe-b"), claim("probe-c")) {
            (Ok(one), Ok(other)) => {
                conflicts += 1;
                one_stays(&mesh, &name, [one, other]).await;
            }
            // The news of the other came while this one was being started.
            (Ok(stays), Err(StartError::Init(ExitReason::NameConflict)))
            | (Err(StartError::Init(ExitReason::NameConflict)), Ok(stays)) => {
                conflicts += 1;
                all_agree(&mesh, &name, stays).await;
            }
            (Ok(one), Err(StartError::AlreadyStarted(holder)))
            | (Err(StartError::AlreadyStarted(holder)), Ok(one)) => assert_eq!(holder, one),
            other => panic!("neither has it: {other:?}"),
        }
    }
}

/// One of the two that were started under the name ends, and all nodes agree on the other one.
async fn one_stays(mesh: &Mesh<2>, name: &str, [of_b, of_c]: [Pid; 2]) {
    let end = |asked, pid| ask(asked, move |reply| ProbeCall::EndOf(pid, reply));
    eventually("one of the two ends", async || {
        let ends = [end("probe-b", of_b).await, end("probe-c", of_c).await];
        assert!(ends.contains(&None), "both have ended: {ends:?}");
        ends.contains(&Some(ExitReason::NameConflict))
    })
    .await;
    let stays = match end("probe-b", of_b).await {
        Some(_ended) => of_c,
        None => of_b,
    };
    all_agree(mesh, name, stays).await;
}

/// All nodes know that the name is that of `stays`, which answers under it.
async fn all_agree(mesh: &Mesh<2>, name: &str, stays: Pid) {
    for asked in mesh.probes() {
        let agrees = async || whereis(&asked, name).await == Some(stays);
        eventually("all agree on the one that stays", agrees).await;
    }
    assert_eq!(ask(name, ProbeCall::Where).await.1, stays);
}

/// Waits until nobody holds the name, as the nodes of these probes know.
async fn gone(asked: &[&str], name: &str) {
    for asked in asked {
        let what = format!("{asked} knows that {name} is gone");
        eventually(&what, async || whereis(asked, name).await.is_none()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c51_a_name_is_gone_with_its_process_and_with_its_node() {
    let Mesh {
        node,
        events: _events,
        others: [b, mut c],
    } = Mesh::start(["b", "c"]).await;
    let _inside = node.enter();
    for name in ["short", "long"] {
        let start = |reply| ProbeCall::Start(name.to_owned(), reply);
        ask("probe-c", start).await.unwrap();
        for asked in ["probe-t", &b.probe()] {
            eventually("all know it", async || whereis(asked, name).await.is_some()).await;
        }
    }
    Probe::stop(Global("short")).await.unwrap();
    gone(&["probe-t", "probe-b", "probe-c"], "short").await;
    assert!(node.registry().whereis("long").is_some());
    c.kill();
    gone(&["probe-t", "probe-b"], "long").await;
    gone(&["probe-t", "probe-b"], &NodeProcess::probe(&c)).await;
    // It is free again.
    let start = |reply| ProbeCall::Start("long".to_owned(), reply);
    ask("probe-b", start).await.unwrap();
    known(&node, "long").await;
    // The registry's count is back: the two probes and the new one.
    assert_eq!(node.registry().stats().registrations, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c51_a_node_with_many_names_is_known_and_drained_also_where_messages_are_small() {
    const NAMES: usize = 2_000;
    let small = config("t").message_size_max(64 << 10);
    let plan = |name| Plan::new(name).variable("NOEX_MESSAGE_SIZE_MAX", "64KiB");
    let mesh = Mesh::start_with(small, [plan("b")]).await;
    let _inside = mesh.enter();
    let holder = mesh.node.registry().whereis("probe-t").unwrap();
    for number in 0..NAMES {
        let name = format!("name-{number}");
        mesh.node.registry().register(&name, holder).unwrap();
    }
    // It has to fetch them all.
    let late = plan("c").seed(mesh.node.id()).start();
    eventually("who comes late knows the last name", async || {
        let last = format!("name-{}", NAMES - 1);
        let known = mesh.node.registry().whereis(&late.probe()).is_some();
        known && whereis(&late.probe(), &last).await == Some(holder)
    })
    .await;
    // Those who confirm it have got all that changed.
    tokio::time::timeout(PATIENCE, mesh.node.registry().drain())
        .await
        .expect("all nodes confirm that all names are free");
    let kept = whereis("probe-b", "name-0").await;
    assert_eq!(kept, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c44_names_return_to_their_floor_after_crashes_timeouts_and_dropped_futures() {
    const NAMES: usize = 20;
    let Mesh {
        node,
        events,
        others: [b, mut c],
    } = Mesh::start(["b", "c"]).await;
    let _inside = node.enter();
    let floor = node.registry().stats().registrations;
    assert_eq!(floor, 3, "each has its probe");
    let mut servers = Vec::new();
    for asked in ["probe-c", "probe-b", "probe-t"] {
        for number in 0..NAMES {
            let start = |reply| ProbeCall::Start(format!("{asked}-{number}"), reply);
            servers.push(ask(asked, start).await.unwrap());
        }
    }
    all_have_registered(&node, &["probe-b", "probe-c"], floor + servers.len()).await;
    for (number, server) in servers.iter().copied().enumerate() {
        let never = Probe::call(server, ProbeCall::Never);
        if number.is_multiple_of(2) {
            let timed_out = never.timeout(Duration::from_millis(10)).await;
            assert_eq!(timed_out, Err(CallError::Timeout));
        } else {
            begin_and_drop(never).await;
        }
        let name = format!("given-up-{number}");
        begin_and_drop(NeverReady::start(()).name(Global(name))).await;
    }
    c.kill();
    for (number, server) in servers.into_iter().skip(NAMES).enumerate() {
        match number % 3 {
            0 => Probe::stop(server).await.unwrap(),
            1 => node
                .local()
                .exit(node.local().pid(), server, ExitReason::Killed)
                .unwrap(),
            _ => {
                let failure = ExitReason::error("it fails");
                Probe::stop(server).reason(failure).await.unwrap();
            }
        }
    }
    all_have_registered(&node, &["probe-b"], floor - 1).await;
    let others = [b];
    let mesh = Mesh {
        node: node.clone(),
        events,
        others,
    };
    mesh.has_no_open_calls().await;
}

/// Begins what `future` does, and gives it up.
async fn begin_and_drop(future: impl Future) {
    let polled = tokio::time::timeout(Duration::ZERO, future).await;
    assert!(polled.is_err(), "it is done at once");
}

/// Has its name while it starts, for ever.
struct NeverReady;

impl GenServer for NeverReady {
    type Args = ();
    type Call = ReplyTo<()>;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        std::future::pending().await
    }

    async fn handle_call(&mut self, reply: ReplyTo<()>, _cx: &mut Context<Self>) -> Flow {
        reply.send(());
        Flow::Continue
    }
}

/// Waits until so many names are held, as `node` and the nodes of these probes know.
async fn all_have_registered(node: &Node, others: &[&str], count: usize) {
    eventually(&format!("all know {count} names"), async || {
        let mut known = vec![node.registry().stats().registrations];
        for other in others {
            known.push(ask(other, ProbeCall::Registrations).await);
        }
        known.iter().all(|known| *known == count)
    })
    .await;
}
