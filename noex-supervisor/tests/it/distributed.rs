//! A distributed supervisor over nodes that are joined in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use noex_core::router::{RouteError, Router};
use noex_core::{
    Creation, ExitReason, LocalNode, NodeDownReason, NodeId, Peer, Pid, ReplyTo, Signal, Target,
    WeakNode,
};
use noex_gen_server::{Context, Flow, GenServer, ServerRef};
use noex_registry::{Global, Registry};
use noex_supervisor::distributed::RemoteChildInfo;
use noex_supervisor::{
    DistributedSupervisor, DistributedSupervisorClient, Mode, RemoteChild, Restart, Spawner,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::support::in_time;

/// Tells the test that a worker's `init` ran.
struct Births(mpsc::Sender<String>);

struct Worker(String);

#[derive(Serialize, Deserialize)]
enum WorkerCall {
    Name(ReplyTo<String>),
    Panic(ReplyTo<()>),
}

impl GenServer for Worker {
    type Args = String;
    type Call = WorkerCall;
    type Cast = ();

    async fn init(name: String, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        let births = cx.node().extension::<Births>().expect("the test listens");
        births.0.send(name.clone()).await.expect("the test listens");
        if name.starts_with("hung") && cx.node().id().name() == "n1" {
            std::future::pending::<()>().await;
        }
        if name.starts_with("slow") {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        Ok(Self(name))
    }

    async fn handle_call(&mut self, call: WorkerCall, _cx: &mut Context<Self>) -> Flow {
        match call {
            WorkerCall::Name(reply) => reply.send(self.0.clone()),
            WorkerCall::Panic(_reply) => panic!("as asked"),
        }
        Flow::Continue
    }
}

noex_supervisor::register_server!(Worker);

/// Carries signals between the nodes of one test.
#[derive(Debug)]
struct Wires {
    own: Creation,
    net: Arc<Mutex<Net>>,
}

#[derive(Debug, Default)]
struct Net {
    nodes: BTreeMap<Creation, WeakNode>,
    lost: BTreeSet<Creation>,
}

impl Router for Wires {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        let node = {
            let net = self.net.lock();
            if [self.own, to.creation()]
                .iter()
                .any(|end| net.lost.contains(end))
            {
                return Err(RouteError::NoConnection);
            }
            net.nodes.get(&to.creation()).and_then(WeakNode::upgrade)
        };
        node.ok_or(RouteError::NoConnection)?
            .deliver(self.own, to, signal);
        Ok(())
    }

    fn neighbours(&self) -> Vec<Creation> {
        let net = self.net.lock();
        let joined = |node: &Creation| *node != self.own && !net.lost.contains(node);
        if net.lost.contains(&self.own) {
            return Vec::new();
        }
        net.nodes.keys().copied().filter(joined).collect()
    }
}

struct World {
    net: Arc<Mutex<Net>>,
    nodes: Vec<LocalNode>,
    births_tx: mpsc::Sender<String>,
    births: mpsc::Receiver<String>,
}

impl World {
    async fn new(nodes: usize) -> Self {
        let (births_tx, births) = mpsc::channel(100);
        let mut world = Self {
            net: Arc::default(),
            nodes: Vec::new(),
            births_tx,
            births,
        };
        for _ in 0..nodes {
            world.add_node().await;
        }
        world
    }

    /// Starts a node with a registry and a spawner, and joins it with the others.
    async fn add_node(&mut self) {
        let number = self.nodes.len();
        let id = format!("n{number}@127.0.0.1:{}", 4000 + number);
        let node = LocalNode::start(id.parse().unwrap());
        let own = node.creation();
        let net = Arc::clone(&self.net);
        net.lock().nodes.insert(own, node.downgrade());
        node.attach(Arc::new(Wires { own, net }));
        node.extend(Arc::new(Births(self.births_tx.clone())));
        Registry::start(&node).await.unwrap();
        Spawner::start(&node).await.unwrap();
        for other in &self.nodes {
            other.peer_up(&peer(&node));
            node.peer_up(&peer(other));
            other.neighbours_changed();
        }
        node.neighbours_changed();
        self.nodes.push(node);
    }

    /// Takes a node off the net; the others notice.
    fn lose(&self, number: usize) {
        let lost = &self.nodes[number];
        self.net.lock().lost.insert(lost.creation());
        let others = self.nodes.iter().filter(|node| node.id() != lost.id());
        for other in others {
            other.peer_down(&peer(lost), NodeDownReason::HeartbeatTimeout);
        }
    }

    /// Starts a supervisor on the first node.
    async fn start(
        &self,
        children: impl IntoIterator<Item = RemoteChild>,
    ) -> ServerRef<DistributedSupervisor> {
        let builder = DistributedSupervisor::builder(Mode::Available).children(children);
        builder.start().on(&self.nodes[0]).await.unwrap()
    }

    /// Waits until so many workers were born; their names, sorted.
    async fn births(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < count {
            names.push(self.births.recv().await.unwrap());
        }
        names.sort();
        names
    }

    /// Calls a worker by its name from the first node, once that node knows it as `pid`.
    async fn call(&self, name: &'static str, pid: Option<Pid>) -> String {
        let node = &self.nodes[0];
        let registry = Registry::of(node).unwrap();
        while registry.whereis(name) != pid {
            tokio::task::yield_now().await;
        }
        let mut call = Worker::call(Global(name), WorkerCall::Name);
        std::future::poll_fn(|cx| {
            let _inside = node.enter();
            Pin::new(&mut call).poll(cx)
        })
        .await
        .unwrap()
    }

    /// The processes of a node that are neither its spawner nor its registry.
    fn workers(&self, number: usize) -> Vec<Pid> {
        let node = &self.nodes[number];
        let own = ["noex.spawner", "noex.registry"].map(|name| node.whereis(name));
        let mut workers = node.processes();
        workers.retain(|pid| !own.contains(&Some(*pid)));
        workers
    }

    fn number_of(&self, id: &NodeId) -> usize {
        let number = self.nodes.iter().position(|node| node.id() == id);
        number.expect("a node of the test")
    }
}

fn peer(node: &LocalNode) -> Peer {
    Peer::new(node.id().clone(), node.creation())
}

fn worker(name: &str) -> RemoteChild {
    RemoteChild::of::<Worker>(name, name.to_owned()).global_name(name)
}

/// The children, once all of them run.
async fn running(supervisor: &ServerRef<DistributedSupervisor>) -> Vec<RemoteChildInfo> {
    loop {
        let children = supervisor.which_children().await.unwrap();
        if children.iter().all(|child| child.pid.is_some()) {
            return children;
        }
        tokio::task::yield_now().await;
    }
}

#[test]
fn children_are_spread_round_robin_over_all_nodes() {
    in_time(async {
        let mut world = World::new(3).await;
        let names = ["w-0", "w-1", "w-2", "w-3"];
        let supervisor = world.start(names.map(worker)).await;
        assert_eq!(world.births(4).await, names);
        let children = running(&supervisor).await;
        let node_of = |child: &RemoteChildInfo| world.number_of(child.node.as_ref().unwrap());
        let nodes: Vec<_> = children.iter().map(node_of).collect();
        assert_eq!(nodes, [0, 1, 2, 0]);
        for (child, name) in children.iter().zip(names) {
            assert_eq!(world.call(name, child.pid).await, name);
        }
    });
}

#[test]
fn a_lost_nodes_children_answer_elsewhere_under_their_names() {
    in_time(async {
        let mut world = World::new(3).await;
        let names = ["w-0", "w-1", "w-2", "w-3", "w-4"];
        let supervisor = world.start(names.map(worker)).await;
        world.births(5).await;
        running(&supervisor).await;
        world.lose(1);
        assert_eq!(world.births(2).await, ["w-1", "w-4"]);
        for (child, name) in running(&supervisor).await.iter().zip(names) {
            let node = world.number_of(child.node.as_ref().unwrap());
            assert_ne!(node, 1);
            assert_eq!(world.call(name, child.pid).await, name);
        }
    });
}

#[test]
fn a_child_that_crashes_is_restarted_under_its_name() {
    in_time(async {
        let mut world = World::new(1).await;
        let supervisor = world.start([worker("w-0")]).await;
        world.births(1).await;
        let before = running(&supervisor).await[0].pid.unwrap();
        let crash = {
            let _inside = world.nodes[0].enter();
            ServerRef::<Worker>::from_pid(before)
        };
        let crashed: Result<(), _> = crash.call(WorkerCall::Panic).await;
        crashed.unwrap_err();
        world.births(1).await;
        let after = running(&supervisor).await[0].pid;
        assert_ne!(after, Some(before));
        assert_eq!(world.call("w-0", after).await, "w-0");
    });
}

#[test]
fn a_child_without_a_node_waits_until_one_comes_up() {
    in_time(async {
        let mut world = World::new(2).await;
        let builder = DistributedSupervisor::builder(Mode::Available).only_others();
        let start = builder.child(worker("w-0")).start();
        let supervisor = start.on(&world.nodes[0]).await.unwrap();
        world.births(1).await;
        running(&supervisor).await;
        world.lose(1);
        let children = supervisor.which_children().await.unwrap();
        assert_eq!((children[0].pid, children[0].node.clone()), (None, None));
        world.add_node().await;
        world.net.lock().lost.clear();
        world.births(1).await;
        let children = running(&supervisor).await;
        assert_eq!(children[0].node.as_ref(), Some(world.nodes[2].id()));
    });
}

#[test]
fn a_node_where_init_hangs_is_passed_over_and_its_server_is_killed() {
    in_time(async {
        let mut world = World::new(3).await;
        let builder = DistributedSupervisor::builder(Mode::Available).only_others();
        let child = RemoteChild::of::<Worker>("hung", "hung".to_owned());
        let start = builder.child(child).child(worker("w-1")).start();
        let supervisor = start.on(&world.nodes[0]).await.unwrap();
        assert_eq!(world.births(3).await, ["hung", "hung", "w-1"]);
        let children = running(&supervisor).await;
        assert_eq!(children[0].node.as_ref(), Some(world.nodes[2].id()));
        for left in world.workers(1) {
            world.nodes[1].ended(left).await;
        }
    });
}

#[test]
fn a_supervisor_that_stops_ends_its_children_everywhere() {
    in_time(async {
        let mut world = World::new(2).await;
        let supervisor = world.start(["w-0", "w-1"].map(worker)).await;
        world.births(2).await;
        running(&supervisor).await;
        supervisor.stop().await.unwrap();
        assert_eq!([world.workers(0), world.workers(1)], [[], []]);
    });
}

#[test]
fn a_supervisor_that_stops_leaves_nothing_behind_that_was_being_started() {
    in_time(async {
        let mut world = World::new(2).await;
        let builder = DistributedSupervisor::builder(Mode::Available).only_others();
        let child = RemoteChild::of::<Worker>("slow", "slow".to_owned());
        let start = builder.child(child).start();
        let supervisor = start.on(&world.nodes[0]).await.unwrap();
        world.births(1).await;
        supervisor.stop().await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(world.workers(1), []);
    });
}

#[test]
fn children_end_with_the_node_of_their_supervisor() {
    in_time(async {
        let mut world = World::new(2).await;
        let builder = DistributedSupervisor::builder(Mode::Available).only_others();
        let start = builder.child(worker("w-0")).start();
        let supervisor = start.on(&world.nodes[0]).await.unwrap();
        world.births(1).await;
        let child = running(&supervisor).await[0].pid.unwrap();
        let ended = world.nodes[1].ended(child);
        world.lose(0);
        assert_eq!(ended.await, ExitReason::NoConnection);
    });
}

#[test]
fn a_second_supervisor_stands_by_and_takes_over_a_name() {
    in_time(async {
        let mut world = World::new(1).await;
        let first = world.start([worker("w-0")]).await;
        world.births(1).await;
        running(&first).await;
        let second = world.start([worker("w-0")]).await;
        first.stop().await.unwrap();
        world.births(1).await;
        let child = running(&second).await[0].pid;
        assert_eq!(world.call("w-0", child).await, "w-0");
    });
}

#[test]
fn crashes_that_come_too_often_end_the_supervisor_and_its_children() {
    in_time(async {
        let mut world = World::new(2).await;
        let builder = DistributedSupervisor::builder(Mode::Available);
        let builder = builder.intensity(0, Duration::from_secs(1));
        let children = ["w-0", "w-1"].map(|name| worker(name).restart(Restart::Transient));
        let start = builder.children(children).start().on(&world.nodes[0]);
        let supervisor = start.await.unwrap();
        world.births(2).await;
        let child = running(&supervisor).await[1].pid.unwrap();
        let ended = world.nodes[0].ended(supervisor.pid());
        let from = &world.nodes[1];
        from.exit(from.pid(), child, ExitReason::Killed).unwrap();
        assert!(matches!(ended.await, ExitReason::ShutdownWith(_)));
        assert_eq!(world.workers(0), []);
    });
}
