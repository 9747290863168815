//! The job from its start to its end: the cluster, the counters, and the coordinator at work.

use std::time::Duration;

use noex::prelude::*;
use noex::{
    Bytes, ClusterEvent, DistributedSupervisor, Events, Mode, NodeFilter, RemoteChild, Secret,
};
use tokio::time::timeout;

use crate::coordinator::Coordinator;
use crate::counter::WordCounter;
use crate::crew::Crew;
use crate::report::Outcome;

/// The worker nodes.
const WORKERS: [&str; 2] = ["worker-1", "worker-2"];

/// The counters, two for each worker node.
pub(crate) const COUNTERS: [&str; 4] = ["counter-1", "counter-2", "counter-3", "counter-4"];

/// How long the nodes and counters may take to be there.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// Why the job did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("the coordinator's node does not start: {0}")]
    Node(#[from] noex::NodeError),
    #[error("the worker processes can't be started, frozen or killed: {0}")]
    Crew(#[from] std::io::Error),
    #[error("the supervisor does not start: {0}")]
    Supervisor(#[from] StartError),
    #[error("the {0} were not there in time")]
    Late(&'static str),
    #[error("a chunk can't be counted: {0}")]
    Chunk(CallError),
    #[error("stuck with {0} of {1} chunks counted: no counter answers")]
    Stuck(usize, usize),
}

/// Counts `chunks` on a cluster of this node and two workers, which are killed when this is
/// dropped.
pub(crate) async fn run(chunks: Vec<Bytes>) -> Result<Outcome, JobError> {
    let secret = Secret::generate();
    let config = ClusterConfig::new("main")
        .listen("127.0.0.1")
        .port(0)
        .secret(secret.clone())
        .heartbeat_interval(Duration::from_secs(1));
    let node = Node::start(config).await?;
    let _inside = node.enter();
    let mut events = node.cluster().subscribe();
    println!("{}: coordinates {} chunks", node.id(), chunks.len());

    let crew = Crew::start(&WORKERS, node.id(), &secret)?;
    in_time("worker nodes", workers_up(&mut events)).await?;
    let supervisor = COUNTERS.iter().fold(
        DistributedSupervisor::builder(Mode::Available).nodes(NodeFilter::Others),
        |builder, name| builder.child(RemoteChild::of::<WordCounter>(*name, ()).global_name(*name)),
    );
    let supervisor = supervisor.start().await?;
    let coordinator = Coordinator::new(node.clone(), crew, chunks);
    let mut coordinator = in_time("counters", coordinator).await?;

    coordinator.work(&mut events).await?;
    if let Err(error) = supervisor.stop().await {
        eprintln!("the supervisor did not stop in order: {error}");
    }
    let outcome = coordinator.finish().await;
    node.stop().await;
    Ok(outcome)
}

async fn workers_up(events: &mut Events) {
    let mut missing = WORKERS.len();
    while missing > 0
        && let Some(event) = events.next().await
    {
        if let Ok(ClusterEvent::NodeUp(info)) = event {
            println!("{}: up", info.id);
            missing -= 1;
        }
    }
}

async fn in_time<T>(what: &'static str, future: impl Future<Output = T>) -> Result<T, JobError> {
    let there = timeout(START_PATIENCE, future).await;
    there.map_err(|_elapsed| JobError::Late(what))
}
