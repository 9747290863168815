//! `PartitionSupervisor`: one kind of work, divided by key among several servers.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use noex_core::CallError;
use noex_gen_server::{Address, Dest, GenServer, Start};
use serde::Serialize;

use super::builder::SupervisorBuilder;
use super::child_spec::ChildSpec;
use super::dynamic::DynamicSupervisorClient;
use super::server::Supervisor;

/// Servers of one kind that stand side by side under local names, and divide keys among them: as
/// many as the machine has cores, unless [said](Self::partitions). The same key always goes to the
/// same server, so that what belongs to one key is handled in order, and different keys at the same
/// time.
///
/// It is a value, made once and cloned to wherever it is used: what [`builder`](Self::builder)
/// starts is an ordinary [`Supervisor`], and [`of`](Self::of) asks nobody.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Counter(u32);
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # enum CounterCall { Add(u32, ReplyTo<u32>) }
/// # impl GenServer for Counter {
/// #     type Args = u32;
/// #     type Call = CounterCall;
/// #     type Cast = ();
/// #     async fn init(n: u32, _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self(n)) }
/// #     async fn handle_call(&mut self, call: CounterCall, _: &mut Context<Self>) -> Flow {
/// #         let CounterCall::Add(by, reply) = call;
/// #         self.0 += by;
/// #         reply.send(self.0);
/// #         Flow::Continue
/// #     }
/// # }
/// use noex_supervisor::PartitionSupervisor;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let counters = PartitionSupervisor::new("counters");
/// counters.builder(|_partition| Counter::start(0)).start().on(&node).await?;
///
/// let _inside = node.enter();
/// let alice = counters.of(&"alice");
/// Counter::call(&alice, |reply| CounterCall::Add(40, reply)).await?;
/// assert_eq!(Counter::call(&alice, |reply| CounterCall::Add(2, reply)).await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PartitionSupervisor {
    name: Arc<str>,
    partitions: Arc<[Arc<str>]>,
}

impl PartitionSupervisor {
    /// As many partitions as the machine has cores. Their local names begin with `name`, as in
    /// `counters.0`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        // Where the machine does not tell, one partition is never wrong.
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self::with(name.into(), cores)
    }

    /// Divides the work into so many partitions. Whoever addresses them must say the same number.
    #[must_use]
    pub fn partitions(self, count: NonZeroUsize) -> Self {
        Self::with(self.name, count)
    }

    fn with(name: Arc<str>, count: NonZeroUsize) -> Self {
        let named = |number| format!("{name}.{number}").into();
        let partitions = (0..count.get()).map(named).collect();
        Self { name, partitions }
    }

    /// The supervisor of the partitions, each of which is started by what `start` returns for its
    /// number. They are restarted one for one, unless told otherwise.
    pub fn builder<S: GenServer>(
        &self,
        start: impl Fn(usize) -> Start<S> + Send + Sync + 'static,
    ) -> SupervisorBuilder {
        Supervisor::builder().children(self.specs(start))
    }

    /// As [`builder`](Self::builder), of partitions that are supervisors themselves: each has as
    /// long for its shutdown as its own children need. So the start of many children, which one
    /// [`DynamicSupervisor`](crate::DynamicSupervisor) does one after the other, is divided:
    /// `pools.of(&key).start_child(spec)`.
    pub fn builder_of_supervisors<S: GenServer>(
        &self,
        start: impl Fn(usize) -> Start<S> + Send + Sync + 'static,
    ) -> SupervisorBuilder {
        let specs = self.specs(start).map(ChildSpec::of_supervisor);
        Supervisor::builder().children(specs)
    }

    fn specs<S: GenServer>(
        &self,
        start: impl Fn(usize) -> Start<S> + Send + Sync + 'static,
    ) -> impl Iterator<Item = ChildSpec> {
        let start = Arc::new(start);
        self.partitions
            .iter()
            .enumerate()
            .map(move |(number, name)| {
                let (id, name, start) = (Arc::clone(name), Arc::clone(name), Arc::clone(&start));
                ChildSpec::new(id, move || start(number).name(name.to_string()))
            })
    }

    /// The partition of `key`. Which one it is depends on the key and the number of partitions
    /// alone: it is the same on each node, in each version of the program.
    #[must_use]
    pub fn of<K: Serialize + ?Sized>(&self, key: &K) -> Partition {
        let mut hasher = blake3::Hasher::new();
        let hashed = rmp_serde::encode::write_named(&mut hasher, key);
        let name = hashed.map_err(|error| error.to_string().into()).map(|()| {
            let mut bytes = [0; 8];
            hasher.finalize_xof().fill(&mut bytes);
            let count = self.partitions.len() as u64;
            let number = (u64::from_le_bytes(bytes) % count) as usize;
            Arc::clone(&self.partitions[number])
        });
        Partition(name)
    }

    /// All partitions, by their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Partition> {
        let all = self.partitions.iter();
        all.map(|name| Partition(Ok(Arc::clone(name))))
    }
}

/// The address of one partition, to be called or cast to; made by [`PartitionSupervisor::of`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition(Result<Arc<str>, Arc<str>>);

impl Partition {
    /// Its local name: with a node's id, as in `(name, &id)`, it addresses the partition there.
    ///
    /// # Errors
    /// [`CallError::Codec`] if the key can't be encoded.
    pub fn name(&self) -> Result<&str, CallError> {
        match &self.0 {
            Ok(name) => Ok(name),
            Err(error) => Err(CallError::Codec(Arc::clone(error))),
        }
    }
}

impl DynamicSupervisorClient for Partition {}

impl<S: GenServer> Dest<S> for Partition {
    /// [`CallError::Codec`] if the key can't be encoded; else as with a local name.
    fn resolve(&self) -> Result<Address<S>, CallError> {
        self.name()?.resolve()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Serializer;

    use super::*;

    fn four() -> PartitionSupervisor {
        PartitionSupervisor::new("p").partitions(NonZeroUsize::new(4).unwrap())
    }

    #[test]
    fn a_keys_partition_is_the_same_for_ever() {
        let told = ["", "alice", "bob", "carol"].map(|key| four().of(key));
        let names: Vec<&str> = told
            .iter()
            .map(|partition| partition.name().unwrap())
            .collect();
        assert_eq!(names, ["p.3", "p.2", "p.1", "p.1"]);
        assert_eq!(four().of("alice"), four().of(&"alice".to_owned()));
    }

    #[test]
    fn keys_spread_over_all_partitions() {
        let partitions = four();
        let name = |key: u32| partitions.of(&key).name().unwrap().to_owned();
        let names: Vec<String> = (0..1000).map(name).collect();
        let used: BTreeSet<&String> = names.iter().collect();
        assert_eq!(used.len(), partitions.iter().len());
        for one in used {
            let keys = names.iter().filter(|name| *name == one).count();
            assert!((150..350).contains(&keys), "{one}: {keys}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_encoded_addresses_nobody() {
        struct Broken;

        impl Serialize for Broken {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("broken"))
            }
        }

        let partition = four().of(&Broken);
        assert!(matches!(partition.name(), Err(CallError::Codec(_))));
    }
}
