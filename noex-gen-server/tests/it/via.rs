//! A registry that a user wrote: its names start, call, cast and stop servers like any other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use noex_core::{CallError, LocalNode, NameError, Pid};
use noex_gen_server::{Address, CastError, Dest, GenServer, Name, StartError, multi_call};
use parking_lot::Mutex;

use crate::server::{Ask, Board, Init, Other, Probe, Tell};
use crate::support::{Net, on};

/// The shards that a node knows, by number, on whichever node they run.
#[derive(Debug, Default)]
struct Shards(Mutex<BTreeMap<u32, Pid>>);

impl Shards {
    fn of(node: &LocalNode) -> Arc<Self> {
        node.extension().expect("the test gave it to all nodes")
    }

    fn on_all(nodes: &[LocalNode]) {
        let shards = Arc::new(Self::default());
        for node in nodes {
            node.extend(Arc::clone(&shards));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Shard(u32);

impl<S: GenServer> Dest<S> for Shard {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        let node = LocalNode::current().ok_or(CallError::NoNode)?;
        let pid = Shards::of(&node).0.lock().get(&self.0).copied();
        Address::of_pid(node, pid.ok_or(CallError::NoProcess)?)
    }
}

impl Name for Shard {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        let shards = Shards::of(node);
        let mut shards = shards.0.lock();
        match shards.get(&self.0) {
            Some(holder) if node.is_alive(*holder) => Err(NameError::Taken(*holder)),
            Some(_) | None => {
                shards.insert(self.0, pid);
                Ok(())
            }
        }
    }
}

/// Starts a server on `node` as that shard.
async fn start(node: &LocalNode, shard: Shard) -> Result<Pid, StartError> {
    let server = Probe::start((Init::Ok, Board::new()));
    let server = server.name(shard).on(node).await?;
    Ok(server.pid())
}

#[tokio::test]
async fn a_name_of_ones_own_starts_calls_casts_and_stops_here_and_elsewhere() {
    let (_net, nodes) = Net::of(2);
    Shards::on_all(&nodes);
    for (node, shard) in nodes.iter().zip([Shard(7), Shard(8)]) {
        let pid = start(node, shard).await.unwrap();
        on(&nodes[0], async {
            Probe::cast(shard, Tell::Add(2)).unwrap();
            assert_eq!(Probe::call(shard, Ask::Sum).await, Ok(2));
            assert_eq!(Probe::call(&shard, Ask::Sum).await, Ok(2));
            Probe::stop(shard).await.unwrap();
            assert!(!node.is_alive(pid));
            let gone = Probe::call(shard, Ask::Sum).await;
            assert_eq!(gone, Err(CallError::NoProcess));
        })
        .await;
    }
}

#[tokio::test]
async fn a_name_of_ones_own_that_is_held_starts_nothing() {
    let (_net, nodes) = Net::of(1);
    Shards::on_all(&nodes);
    let first = start(&nodes[0], Shard(7)).await.unwrap();
    let second = start(&nodes[0], Shard(7)).await;
    assert_eq!(second, Err(StartError::AlreadyStarted(first)));
    on(&nodes[0], async { Probe::stop(Shard(7)).await })
        .await
        .unwrap();
    start(&nodes[0], Shard(7)).await.unwrap();
}

#[tokio::test]
async fn a_name_of_ones_own_fails_as_others_do() {
    let (_net, nodes) = Net::of(1);
    Shards::on_all(&nodes);
    let other = Other::start(()).name(Shard(1)).on(&nodes[0]);
    other.await.unwrap();
    on(&nodes[0], async {
        let nobody = Probe::call(Shard(7), Ask::Sum).await;
        assert_eq!(nobody, Err(CallError::NoProcess));
        let nobody = Probe::cast(Shard(7), Tell::Add(1));
        assert_eq!(nobody, Err(CastError::NoProcess(Tell::Add(1))));
        assert_eq!(Probe::stop(Shard(7)).await, Err(CallError::NoProcess));
        let wrong = Probe::call(Shard(1), Ask::Sum).await;
        assert_eq!(wrong, Err(CallError::WrongServer));
    })
    .await;
    let nowhere = Probe::call(Shard(1), Ask::Sum).await;
    assert_eq!(nowhere, Err(CallError::NoNode));
}

#[tokio::test]
async fn many_names_of_ones_own_are_called_at_once() {
    let (_net, nodes) = Net::of(2);
    Shards::on_all(&nodes);
    for (node, shard) in nodes.iter().zip([Shard(7), Shard(8)]) {
        start(node, shard).await.unwrap();
    }
    let to = [Shard(7), Shard(8), Shard(9)];
    let calls = multi_call::<Probe, _, _, _>(to, Ask::Sum, Duration::from_secs(1));
    let outcomes = on(&nodes[0], calls).await;
    let expected = [Ok(0), Ok(0), Err(CallError::NoProcess)];
    assert_eq!(outcomes, Vec::from_iter(to.into_iter().zip(expected)));
}
