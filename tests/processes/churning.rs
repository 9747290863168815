//! Nodes that end, leave, pause and come back in an order that chance gives.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use noex::{ClusterEvent, Events, NodeId};
use rustix::process::Signal;

use crate::mesh::Mesh;
use crate::support::{NodeProcess, Plan, config, eventually};

/// Repeats a run.
const SEED: &str = "NOEX_TEST_SEED";

/// Heartbeats of this test: detection after 600 ms.
const INTERVAL: Duration = Duration::from_millis(200);

const STEPS: usize = 16;

/// Whether ups and downs take turns, from this one on.
pub(crate) fn take_turns(told: &[String], first: &str) -> bool {
    let turns = [first, if first == "up" { "down" } else { "up" }];
    let mut expected = turns.iter().cycle();
    told.iter()
        .all(|told| expected.next().is_some_and(|turn| told.starts_with(turn)))
}

/// Numbers that a seed gives: splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// How a node is started, for the first time and again.
fn plan(name: &str) -> Plan {
    let delay = format!("{}ms", INTERVAL.as_millis());
    let plan = Plan::new(name).interval(INTERVAL);
    let plan = plan.variable("NOEX_RECONNECT_BASE_DELAY", &delay);
    plan.variable("NOEX_RECONNECT_MAX_DELAY", &delay)
}

/// Does something to one of the nodes, and starts it again if that ended it. What comes of it may
/// still be going on when the next thing is done.
async fn disturb<const N: usize>(mesh: &mut Mesh<N>, chance: &mut Chance) {
    let victim = usize::try_from(chance.below(N as u64)).unwrap();
    let deed = chance.below(5);
    let pause = Duration::from_millis(chance.below(1_200));
    let seed = mesh.id().clone();
    let node = &mut mesh.others[victim];
    eprintln!("{} {deed} {pause:?}", node.id);
    match deed {
        0 => {
            node.signal(Signal::STOP);
            tokio::time::sleep(pause).await;
            return node.signal(Signal::CONT);
        }
        1 => {
            mesh.node.cluster().disconnect(&node.id);
            return mesh.node.cluster().reconnect(&node.id);
        }
        2 => assert!(node.leave()),
        3 => {
            node.kill();
            tokio::time::sleep(pause).await;
        }
        _ => node.kill(),
    }
    let again = plan(node.id.name()).port(node.id.port());
    *node = again.seed(&seed).start();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c41_there_is_one_down_for_each_up_however_nodes_come_and_go() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    eprintln!("{SEED}={seed} repeats what is done here");
    let mut chance = Chance(seed);
    let config = config("t")
        .heartbeat_interval(INTERVAL)
        .reconnect_base_delay(INTERVAL)
        .reconnect_max_delay(INTERVAL);
    let mut mesh = Mesh::start_with(config, ["b", "c", "d"].map(plan)).await;
    let told = collect(mesh.cluster().subscribe());
    let told_here = |id: &NodeId| {
        let told = told.lock().unwrap();
        let of_it = told.iter().filter(|(of, _)| of == id);
        of_it
            .map(|(_, what)| (*what).to_owned())
            .collect::<Vec<_>>()
    };
    for _ in 0..STEPS {
        disturb(&mut mesh, &mut chance).await;
    }
    // What was asked for before this one comes up was done.
    let last = Plan::new("last").seed(mesh.id()).start();
    eventually("the last one is up", async || told_here(&last.id) == ["up"]).await;

    let ids: Vec<_> = mesh.others.iter().map(|other| other.id.clone()).collect();
    let told_there = |node: &NodeProcess| {
        let others = ids.iter().filter(|id| **id != node.id).chain([mesh.id()]);
        others
            .map(|id| (id.clone(), node.told_so_far(id)))
            .collect::<Vec<_>>()
    };
    eventually("all see each other in the end", async || {
        let there = mesh.others.iter().flat_map(told_there);
        let here = ids.iter().map(|id| (id.clone(), told_here(id)));
        let is_up = |told: &[String]| told.last().is_none_or(|last| last == "up");
        there.chain(here).all(|(_, told)| is_up(&told))
            && mesh.cluster().connected_nodes().len() == ids.len() + 1
    })
    .await;
    for id in &ids {
        let told = told_here(id);
        assert!(take_turns(&told, "down"), "of {id}: {told:?}");
    }
    for node in &mesh.others {
        for (id, told) in told_there(node) {
            assert!(take_turns(&told, "up"), "{} of {id}: {told:?}", node.id);
        }
    }
}

/// Who came up (`up`) and who went down (`down`), in order, as long as the cluster runs.
fn collect(mut events: Events) -> Arc<Mutex<Vec<(NodeId, &'static str)>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&told);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            let entry = match event.expect("nothing was missed") {
                ClusterEvent::NodeUp(info) => (info.id, "up"),
                ClusterEvent::NodeDown { id, .. } => (id, "down"),
                _ => continue,
            };
            collected.lock().unwrap().push(entry);
        }
    });
    told
}
