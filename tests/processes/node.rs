//! The node that tests start as a process of its own: a supervised probe, and lines that tell of
//! other nodes. It ends in order when its standard input does.

#![expect(clippy::panic, reason = "a probe panics when it is told to")]

#[path = "probe.rs"]
mod probe;

use std::collections::BTreeSet;

use noex::prelude::*;
use noex::{ChildSpec, ClusterEvent, NodeId, until_stopped};
use probe::Probe;

#[noex::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::current().ok_or("a main has a node")?;
    // Nodes of one name need probes of several.
    let name = std::env::args().nth(1);
    let name = name.unwrap_or_else(|| format!("probe-{}", node.id().name()));
    let child = move || {
        let probe = Probe::start(()).name(Global(name.clone()));
        probe.name(Group("probes"))
    };
    let supervisor = Supervisor::builder().child(ChildSpec::new("probe", child));
    let supervisor = supervisor.start().await?;
    let mut events = node.cluster().subscribe();
    println!("ready {}", node.id());
    let (gone, test_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        let _test_waits = gone.send(());
    });
    // The nodes that came up before this began, and perhaps one whose event is yet to come.
    let mut told: BTreeSet<NodeId> = node.cluster().connected_nodes().into_iter().collect();
    for id in &told {
        println!("up {id}");
    }
    // One that went down before it was told of is none of the test's business.
    let mut known = told.clone();
    let narrate = async {
        while let Some(event) = events.next().await {
            match event {
                Ok(ClusterEvent::NodeUp(info)) if told.remove(&info.id) => {}
                Ok(ClusterEvent::NodeUp(info)) => {
                    println!("up {}", info.id);
                    known.insert(info.id);
                }
                Ok(ClusterEvent::NodeDown { id, reason }) => {
                    told.remove(&id);
                    if known.contains(&id) {
                        println!("down {id} {reason}");
                    }
                }
                Ok(_) => {}
                Err(missed) => println!("missed {missed}"),
            }
        }
    };
    tokio::select! {
        () = narrate => {}
        _ = test_gone => {}
        () = until_stopped() => {}
    }
    drop(supervisor);
    Ok(())
}
