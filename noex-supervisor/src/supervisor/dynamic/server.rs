//! `DynamicSupervisor`: a server around the machine of supervisors, with numbered children.

use noex_core::ExitReason;
use noex_core::mailbox::Info;
use noex_gen_server::{Context, Flow, GenServer};

use super::builder::DynamicSupervisorBuilder;
use super::client::DynamicSupervisorCall;
use crate::supervisor::input::Input;
use crate::supervisor::machine::Machine;
use crate::supervisor::rules::{Population, Rules};
use crate::supervisor::shell::Shell;

/// A server whose children are started while it runs, any number from one specification: a
/// process for each connection, job or player. One that ends is started again by itself, if its
/// [`Restart`](crate::Restart) says so.
///
/// Its children are known by their pids. A number behind the id of its specification, as in
/// `worker.17`, tells a child from the others in logs and in
/// [`ChildInfo`](crate::ChildInfo). A child that has ended for good is forgotten.
///
/// When the supervisor ends it stops all children at the same time: that takes as long as the
/// slowest, not the sum. All else is as with a [`Supervisor`](crate::Supervisor): while it starts
/// or stops a child it handles nothing else, and gives up when restarts come too often.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Worker;
/// # impl GenServer for Worker {
/// #     type Args = u32;
/// #     type Call = ();
/// #     type Cast = ();
/// #     async fn init(_: u32, _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self) }
/// #     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow { Flow::Continue }
/// # }
/// use noex_supervisor::{ChildSpec, DynamicSupervisor, DynamicSupervisorClient, Restart};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let workers = DynamicSupervisor::builder().max_children(2).start().on(&node).await?;
/// let worker = |n| ChildSpec::new("worker", move || Worker::start(n)).restart(Restart::Transient);
///
/// let first = workers.start_child(worker(1)).await?;
/// workers.start_child(worker(2)).await?;
/// assert!(workers.start_child(worker(3)).await.is_err());
/// workers.terminate_child(first).await?;
/// assert_eq!(&*workers.which_children().await?[0].id, "worker.1");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DynamicSupervisor(Shell);

/// What a [`DynamicSupervisor`] is started with; made by its
/// [builder](DynamicSupervisor::builder).
#[derive(Debug, Clone)]
pub struct DynamicSupervisorArgs {
    pub(super) rules: Rules,
}

impl Default for DynamicSupervisorArgs {
    fn default() -> Self {
        let children_max = usize::MAX;
        let rules = Rules {
            population: Population::Numbered { children_max },
            ..Rules::default()
        };
        Self { rules }
    }
}

impl DynamicSupervisor {
    /// A supervisor of any number of children, that bears 3 restarts in 5 s.
    pub fn builder() -> DynamicSupervisorBuilder {
        DynamicSupervisorBuilder::default()
    }
}

impl GenServer for DynamicSupervisor {
    type Args = DynamicSupervisorArgs;
    type Call = DynamicSupervisorCall;
    type Cast = ();

    async fn init(args: DynamicSupervisorArgs, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        let machine = Machine::new(args.rules);
        Shell::begin(machine, Vec::new(), cx).await.map(Self)
    }

    async fn handle_call(&mut self, call: DynamicSupervisorCall, _cx: &mut Context<Self>) -> Flow {
        match call {
            DynamicSupervisorCall::WhichChildren(reply) => reply.send(self.0.children().infos()),
            DynamicSupervisorCall::CountChildren(reply) => reply.send(self.0.children().counts()),
            DynamicSupervisorCall::StartChild(spec, reply) => {
                let answer = self.0.ask(Input::StartChild(spec.0)).await;
                reply.send(answer.into_started());
            }
            DynamicSupervisorCall::TerminateChild(pid, reply) => {
                let answer = self.0.ask(Input::TerminatePid(pid)).await;
                reply.send(answer.into_terminated());
            }
        }
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Context<Self>) -> Flow {
        self.0.handle_info(info).await
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        self.0.shut_down().await;
    }
}
