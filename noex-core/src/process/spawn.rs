//! Starting processes.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::phases::{NoStart, Phases};
use super::run::ProcessTask;
use super::starting::StartingPlace;
use super::{AnyProcess, Process, Receiver, catch};
use crate::exit::ExitReason;
use crate::id::Pid;
use crate::inspect::Nature;
use crate::mailbox::{CAPACITY_DEFAULT, Overflow};
use crate::node::LocalNode;
use crate::task;

/// How a process is started.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SpawnOptions {
    /// How many messages its mailbox holds; [`CAPACITY_DEFAULT`] at first.
    pub capacity: NonZeroUsize,
    /// What happens to a message that finds no room.
    pub overflow: Overflow,
    /// The process that it is linked with from its first moment.
    pub link: Option<Pid>,
    /// What those see who look at it; [`Nature::PLAIN`] unless a layer says more.
    pub nature: &'static Nature,
}

impl Default for SpawnOptions {
    fn default() -> Self {
        Self {
            capacity: CAPACITY_DEFAULT,
            overflow: Overflow::Refuse,
            link: None,
            nature: &Nature::PLAIN,
        }
    }
}

impl SpawnOptions {
    /// Links the new process with `other`.
    #[must_use]
    pub const fn link(mut self, other: Pid) -> Self {
        self.link = Some(other);
        self
    }

    /// Bounds its mailbox.
    #[must_use]
    pub const fn capacity(mut self, capacity: NonZeroUsize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Leaves its mailbox unbounded: a process that is too slow then takes all memory.
    #[must_use]
    pub const fn unbounded(self) -> Self {
        self.capacity(NonZeroUsize::MAX)
    }

    /// What happens to a message that finds no room.
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

impl LocalNode {
    /// Starts a process that takes messages of type `M`. It ends when the future that `body`
    /// returns is ready, with that reason; if `body` itself panics, it has ended at once.
    ///
    /// # Examples
    /// ```
    /// use noex_core::mailbox::Incoming;
    /// use noex_core::process::SpawnOptions;
    /// use noex_core::{ExitReason, LocalNode};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    /// let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
    ///     while let Incoming::Message(number) = mailbox.next().await {
    ///         if number == 0_u32 {
    ///             break;
    ///         }
    ///     }
    ///     ExitReason::Normal
    /// });
    /// process.mailbox().push(0).unwrap();
    /// assert_eq!(node.ended(process.pid()).await, ExitReason::Normal);
    /// # }
    /// ```
    pub fn spawn<M, F, B>(&self, options: SpawnOptions, body: B) -> Arc<Process<M>>
    where
        M: Send + 'static,
        F: Future<Output = ExitReason> + Send + 'static,
        B: FnOnce(Receiver<M>) -> F,
    {
        self.spawn_phases(options, |receiver| {
            let run = body(receiver);
            Phases::<NoStart<F>, F>::Run { run }
        })
    }

    /// As [`spawn`](Self::spawn), of a process that does something first, whose output is the
    /// future that it is from then on, or why it ends at once. Where that is possible it is done
    /// before this returns, as far as it does not wait: who waits for it then need not wait.
    ///
    /// # Examples
    /// ```
    /// use noex_core::process::SpawnOptions;
    /// use noex_core::{ExitReason, LocalNode};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    /// let options = SpawnOptions::default();
    /// let process = node.spawn_started::<(), _, _, _>(options, |mut mailbox| async {
    ///     println!("first");
    ///     Ok(async move {
    ///         mailbox.next().await;
    ///         ExitReason::Normal
    ///     })
    /// });
    /// process.mailbox().push(()).unwrap();
    /// assert_eq!(process.ended().await, ExitReason::Normal);
    /// # }
    /// ```
    pub fn spawn_started<M, I, L, B>(&self, options: SpawnOptions, body: B) -> Arc<Process<M>>
    where
        M: Send + 'static,
        I: Future<Output = Result<L, ExitReason>> + Send + 'static,
        L: Future<Output = ExitReason> + Send + 'static,
        B: FnOnce(Receiver<M>) -> I,
    {
        self.spawn_phases(options, |receiver| {
            let start = body(receiver);
            Phases::Start { start }
        })
    }

    fn spawn_phases<M, I, L, B>(&self, options: SpawnOptions, body: B) -> Arc<Process<M>>
    where
        M: Send + 'static,
        I: Future<Output = Result<L, ExitReason>> + Send + 'static,
        L: Future<Output = ExitReason> + Send + 'static,
        B: FnOnce(Receiver<M>) -> Phases<I, L>,
    {
        let process = Arc::new(Process::new(self.next_pid(), self.clone(), options));
        let any: Arc<dyn AnyProcess> = Arc::clone(&process) as _;
        self.process_started(Arc::clone(&any));
        if let Some(other) = options.link {
            self.link(process.pid(), other);
        }
        match catch(|| body(Receiver::new(Arc::clone(&process)))) {
            Ok(body) => self.run(ProcessTask::new(any, body)),
            Err(panic) => {
                any.close();
                self.process_ended(&*any, &ExitReason::Panic(panic));
            }
        }
        process
    }

    /// In a box, so that it can be polled before it is the runtime's.
    fn run<I, L>(&self, task: ProcessTask<I, L>)
    where
        I: Future<Output = Result<L, ExitReason>> + Send + 'static,
        L: Future<Output = ExitReason> + Send + 'static,
    {
        let mut task = Box::pin(task);
        let place = task
            .has_start()
            .then(|| StartingPlace::find(self.runtime()));
        if let Some(_here) = place.flatten()
            && task.as_mut().poll_start().is_ready()
        {
            return;
        }
        drop(task::spawn_on(self.runtime(), task));
    }
}

/// Why a process of this node can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// It does not run.
    #[error("no such process")]
    NoProcess,
    /// It takes messages of another type.
    #[error("the process takes other messages")]
    OtherMessages,
}
