//! `Supervisor`: a server around a machine that knows what is to be done.

use noex_core::ExitReason;
use noex_core::mailbox::Info;
use noex_gen_server::{Context, Flow, GenServer};

use super::builder::SupervisorBuilder;
use super::child_spec::ChildSpec;
use super::client::SupervisorCall;
use super::input::Input;
use super::machine::Machine;
use super::rules::Rules;
use super::shell::Shell;

/// A server that keeps the children of one node running. It starts them in order, each when the
/// `init` of the one before is done, and stops them in reverse order.
///
/// While it starts or stops a child it handles nothing else, as in OTP. When restarts come too
/// often it stops its children and ends with [`ExitReason::ShutdownWith`]. If it is killed, its
/// children end through their links.
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
/// use std::time::Duration;
///
/// use noex_supervisor::{ChildSpec, Restart, Strategy, Supervisor, SupervisorClient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let supervisor = Supervisor::builder()
///     .strategy(Strategy::OneForOne)
///     .intensity(3, Duration::from_secs(5))
///     .child(ChildSpec::new("one", || Worker::start(1).name("one")))
///     .child(ChildSpec::new("two", || Worker::start(2)).restart(Restart::Transient))
///     .start()
///     .on(&node)
///     .await?;
/// assert_eq!(supervisor.which_children().await?.len(), 2);
/// supervisor.stop().await?;
/// assert_eq!(node.whereis("one"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Supervisor(Shell);

/// What a [`Supervisor`] is started with; made by its [builder](Supervisor::builder).
#[derive(Debug, Clone, Default)]
pub struct SupervisorArgs {
    pub(super) rules: Rules,
    pub(super) children: Vec<ChildSpec>,
}

impl Supervisor {
    /// A supervisor without children, one for one, that bears 3 restarts in 5 s.
    pub fn builder() -> SupervisorBuilder {
        SupervisorBuilder::default()
    }
}

impl GenServer for Supervisor {
    type Args = SupervisorArgs;
    type Call = SupervisorCall;
    type Cast = ();

    async fn init(args: SupervisorArgs, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        let machine = Machine::new(args.rules);
        Shell::begin(machine, args.children, cx).await.map(Self)
    }

    async fn handle_call(&mut self, call: SupervisorCall, _cx: &mut Context<Self>) -> Flow {
        match call {
            SupervisorCall::WhichChildren(reply) => reply.send(self.0.children().infos()),
            SupervisorCall::CountChildren(reply) => reply.send(self.0.children().counts()),
            SupervisorCall::StartChild(spec, reply) => {
                let answer = self.0.ask(Input::StartChild(spec.0)).await;
                reply.send(answer.into_started());
            }
            SupervisorCall::TerminateChild(id, reply) => {
                let answer = self.0.ask(Input::TerminateChild(id.into())).await;
                reply.send(answer.into_terminated());
            }
            SupervisorCall::RestartChild(id, reply) => {
                let answer = self.0.ask(Input::RestartChild(id.into())).await;
                reply.send(answer.into_restarted());
            }
            SupervisorCall::DeleteChild(id, reply) => {
                let answer = self.0.ask(Input::DeleteChild(id.into())).await;
                reply.send(answer.into_deleted());
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
