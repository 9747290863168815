//! `Mesh`: the test's own node and nodes in processes, all of which know each other.

use std::ops::Deref;

use noex::prelude::*;
use noex::{CallError, Events, NodeId, Pid, Wire};

use crate::probe::{Probe, ProbeCall};
use crate::support::{NodeProcess, Plan, config, eventually};

/// The test's own node, which runs `probe-t`, and nodes in processes.
pub(crate) struct Mesh<const N: usize> {
    pub(crate) node: Node,
    /// What the test's own node tells, from the start.
    pub(crate) events: Events,
    pub(crate) others: [NodeProcess; N],
}

impl<const N: usize> Deref for Mesh<N> {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl<const N: usize> Mesh<N> {
    /// Starts them, and waits until each knows all the others and their probes.
    pub(crate) async fn start(names: [&str; N]) -> Self {
        Self::start_with(config("t"), names.map(Plan::new)).await
    }

    /// As [`start`](Self::start), with processes that log from this level on.
    pub(crate) async fn start_with_log(level: &'static str, names: [&str; N]) -> Self {
        let plans = names.map(|name| Plan::new(name).log(level));
        Self::start_with(config("t"), plans).await
    }

    pub(crate) async fn start_with(config: ClusterConfig, plans: [Plan; N]) -> Self {
        let node = Node::start(config).await.unwrap();
        let probe = Probe::start(()).name(Global("probe-t"));
        let probe = probe.name(Group("probes")).on(node.local());
        probe.await.unwrap();
        let events = node.cluster().subscribe();
        let others = plans.map(|plan| plan.seed(node.id()).start());
        let mesh = Self {
            node,
            events,
            others,
        };
        mesh.met().await;
        mesh
    }

    /// Waits until each node knows all the others and their probes.
    pub(crate) async fn met(&self) {
        let _inside = self.enter();
        for asked in self.probes() {
            known(&self.node, &asked).await;
            for other in self.probes() {
                let what = format!("{asked} knows {other}");
                let there = async || whereis(&asked, &other).await.is_some();
                eventually(&what, there).await;
            }
            let what = format!("{asked}'s node is connected with all others");
            eventually(&what, async || self.connected(&asked).await.len() == N).await;
        }
    }

    /// The nodes that the node of this probe is connected with.
    pub(crate) async fn connected(&self, asked: &str) -> Vec<NodeId> {
        ask(asked, ProbeCall::Connected).await
    }

    /// The names of all probes.
    pub(crate) fn probes(&self) -> Vec<String> {
        let others = self.others.iter().map(NodeProcess::probe);
        others.chain(["probe-t".to_owned()]).collect()
    }

    /// Waits until no call is open on any node, but for the one that asks.
    pub(crate) async fn has_no_open_calls(&self) {
        eventually("no call is open", async || {
            let mut open = vec![self.local().pending_calls(), self.local().calls_in_flight()];
            for other in &self.others {
                let asked = ask(&other.probe(), ProbeCall::OpenCalls).await;
                open.extend([asked.0, asked.1 - 1]);
            }
            open.iter().all(|count| *count == 0)
        })
        .await;
    }
}

/// Asks the probe of this name.
pub(crate) async fn ask<R: Wire>(name: &str, make: impl FnOnce(ReplyTo<R>) -> ProbeCall) -> R {
    let reply = Probe::call(Global(name), make).await;
    reply.unwrap_or_else(|error| panic!("{name} does not answer: {error}"))
}

/// Who holds a name, as the node of that probe knows.
pub(crate) async fn whereis(asked: &str, name: &str) -> Option<Pid> {
    ask(asked, |reply| ProbeCall::Whereis(name.to_owned(), reply)).await
}

/// What that probe hears from the one of that name.
pub(crate) async fn ask_to_ask(asked: &str, name: &str) -> Result<(NodeId, Pid), CallError> {
    ask(asked, |reply| ProbeCall::Ask(name.to_owned(), reply)).await
}

/// Waits until `node` knows the name; the holder.
pub(crate) async fn known(node: &Node, name: &str) -> Pid {
    let whereis = async || node.registry().whereis(name).is_some();
    eventually(&format!("{} knows {name}", node.id()), whereis).await;
    node.registry().whereis(name).expect("it was there")
}
