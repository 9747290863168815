//! A partition supervisor, and calls to its partitions.

use std::num::NonZeroUsize;

use noex_core::{CallError, ExitReason, LocalNode, Pid, ReplyTo};
use noex_gen_server::{Context, Flow, GenServer};
use noex_supervisor::{
    ChildSpec, DynamicSupervisor, DynamicSupervisorClient, Partition, PartitionSupervisor,
    Supervisor, SupervisorClient,
};

struct Worker(usize);

type Call = ReplyTo<(usize, Pid)>;

impl GenServer for Worker {
    type Args = usize;
    type Call = Call;
    type Cast = ();

    async fn init(number: usize, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self(number))
    }

    async fn handle_call(&mut self, reply: Call, cx: &mut Context<Self>) -> Flow {
        reply.send((self.0, cx.pid()));
        Flow::Continue
    }
}

fn partitions(count: usize) -> PartitionSupervisor {
    PartitionSupervisor::new("workers").partitions(NonZeroUsize::new(count).unwrap())
}

async fn ask(partition: &Partition) -> (usize, Pid) {
    Worker::call(partition, |reply| reply).await.unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn each_key_is_handled_by_the_partition_of_its_name() {
    let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    let workers = partitions(3);
    let supervisor = workers.builder(Worker::start).start();
    let supervisor = supervisor.on(&node).await.unwrap();
    let _inside = node.enter();
    assert_eq!(supervisor.count_children().await.unwrap().active, 3);
    for (number, partition) in workers.iter().enumerate() {
        assert_eq!(ask(&partition).await.0, number);
    }
    for key in 0..20 {
        let partition = workers.of(&key);
        let (number, pid) = ask(&partition).await;
        assert_eq!(partition.name().unwrap(), format!("workers.{number}"));
        assert_eq!(node.whereis(partition.name().unwrap()), Some(pid));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_partition_that_ended_is_started_again_under_its_name() {
    let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    let workers = partitions(2);
    let supervisor = workers.builder(Worker::start).start();
    let supervisor = supervisor.on(&node).await.unwrap();
    let _inside = node.enter();
    let partition = workers.of("alice");
    let before = ask(&partition).await;
    Worker::stop(&partition).await.unwrap();
    supervisor.count_children().await.unwrap();
    let after = ask(&partition).await;
    assert_eq!(after.0, before.0);
    assert_ne!(after.1, before.1);
    supervisor.stop().await.unwrap();
    let answer = Worker::call(&partition, |reply: Call| reply).await;
    assert_eq!(answer, Err(CallError::NoProcess));
}

#[tokio::test(flavor = "current_thread")]
async fn partitions_can_be_supervisors_and_are_asked_by_key_and_by_name() {
    let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    let _inside = node.enter();
    let pools = PartitionSupervisor::new("pools").partitions(NonZeroUsize::new(2).unwrap());
    let builder = pools.builder_of_supervisors(|_number| DynamicSupervisor::builder().start());
    builder.start().name("all").await.unwrap();
    let counts = Supervisor::at("all").count_children().await.unwrap();
    assert_eq!((counts.supervisors, counts.workers), (2, 0));
    let pool = pools.of("alice");
    let worker = ChildSpec::new("worker", || Worker::start(7));
    let pid = pool.start_child(worker).await.unwrap();
    let name = pool.name().unwrap();
    let children = DynamicSupervisor::at(name).which_children().await.unwrap();
    assert_eq!(children[0].pid, Some(pid));
    let of_all = pools
        .iter()
        .map(|pool| async move { pool.count_children().await });
    let mut active = 0;
    for counts in of_all {
        active += counts.await.unwrap().active;
    }
    assert_eq!(active, 1);
}

#[test]
fn there_are_as_many_partitions_as_cores() {
    let cores = std::thread::available_parallelism().unwrap();
    assert_eq!(
        PartitionSupervisor::new("workers").iter().len(),
        cores.get()
    );
}
