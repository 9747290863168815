//! A server that panics: its callers learn it at once, and its supervisor starts another one.

use std::time::{Duration, Instant};

use noex::CallError;
use noex::prelude::*;
use noex::{ChildSpec, Pid};

use crate::mesh::{Mesh, ask, whereis};
use crate::probe::{Probe, ProbeCall};
use crate::support::eventually;

/// Makes `pid` panic while another call is queued behind: what the callers hear, within `at_once`.
async fn panic(pid: Pid, message: &str) {
    const AT_ONCE: Duration = Duration::from_secs(1);
    // Busy until both calls are in its mailbox, however late the second one comes.
    let busy = Probe::call(pid, |reply| {
        ProbeCall::Slow(Duration::from_millis(300), reply)
    });
    let asked = Instant::now();
    let culprit = Probe::call(pid, |reply| ProbeCall::Panic(message.to_owned(), reply));
    let behind = Probe::call(pid, ProbeCall::Where);
    let (busy, culprit, behind) = tokio::join!(busy, culprit, behind);
    busy.unwrap();
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    let Err(CallError::Exited(ExitReason::Panic(panic))) = &culprit else {
        panic!("the caller heard {culprit:?}");
    };
    assert_eq!(&*panic.message, message);
    assert!(panic.location.as_ref().unwrap().contains("probe.rs"));
    assert_eq!(behind.unwrap_err(), culprit.unwrap_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c55_callers_on_another_node_learn_of_a_panic_at_once() {
    let mesh = Mesh::start(["b", "c"]).await;
    let _inside = mesh.enter();
    let old = mesh.registry().whereis("probe-b").unwrap();
    panic(old, "over there").await;
    for asked in mesh.probes() {
        eventually("its name points at the new one", async || {
            // The one that is asked may be the one that is being restarted.
            let holder = if asked == "probe-b" {
                mesh.registry().whereis("probe-b")
            } else {
                whereis(&asked, "probe-b").await
            };
            holder.is_some_and(|pid| pid != old)
        })
        .await;
    }
    let (node, new) = ask("probe-b", ProbeCall::Where).await;
    assert_eq!(node, mesh.others[0].id);
    assert_eq!(new.creation(), old.creation());
    assert_ne!(new, old);
    mesh.has_no_open_calls().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c55_callers_on_the_same_node_learn_of_a_panic_at_once() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let child = || Probe::start(()).name(Global("supervised"));
    let supervisor = Supervisor::builder().child(ChildSpec::new("supervised", child));
    supervisor.start().await.unwrap();
    let old = mesh.registry().whereis("supervised").unwrap();
    panic(old, "over here").await;
    for asked in mesh.probes() {
        eventually("its name points at the new one", async || {
            let holder = whereis(&asked, "supervised").await;
            holder.is_some_and(|pid| pid != old)
        })
        .await;
    }
    let (node, new) = ask("supervised", ProbeCall::Where).await;
    assert_eq!((&node, new.creation()), (mesh.id(), old.creation()));
}
