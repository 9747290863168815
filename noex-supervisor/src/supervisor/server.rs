//! `Supervisor`: performs what its machine decides.

use noex_core::ExitReason;
use noex_core::mailbox::Info;
use noex_gen_server::{Context, Flow, GenServer};
use tokio::time::Instant;

use super::answer::Answer;
use super::builder::SupervisorBuilder;
use super::child_spec::ChildSpec;
use super::client::SupervisorCall;
use super::machine::{Input, Machine, Output};
use crate::Strategy;
use crate::alarm::{Alarm, Tick};
use crate::intensity::Intensity;
use crate::stop_child::stop_child;

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
pub struct Supervisor {
    machine: Machine,
    alarm: Alarm,
}

/// What a [`Supervisor`] is started with; made by its [builder](Supervisor::builder).
#[derive(Debug, Clone, Default)]
pub struct SupervisorArgs {
    pub(super) strategy: Strategy,
    pub(super) intensity: Intensity,
    pub(super) children: Vec<ChildSpec>,
}

/// What came of an input.
#[derive(Debug, Default)]
struct Outcome {
    answer: Option<Answer>,
    end: Option<ExitReason>,
}

impl Supervisor {
    /// A supervisor without children, one for one, that bears 3 restarts in 5 s.
    pub fn builder() -> SupervisorBuilder {
        SupervisorBuilder::default()
    }

    async fn handle(&mut self, input: Input, cx: &Context<Self>) -> Outcome {
        self.machine.handle_input(input, now());
        self.perform(cx).await
    }

    async fn ask(&mut self, input: Input, cx: &Context<Self>) -> Answer {
        let answer = self.handle(input, cx).await.answer;
        answer.expect("the machine answers whoever asks while nothing is under way")
    }

    async fn perform(&mut self, cx: &Context<Self>) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some(output) = self.machine.poll_output() {
            let input = match output {
                Output::Start(id) => self.start_child(&id, cx).await,
                Output::Stop {
                    child,
                    pid,
                    shutdown,
                } => {
                    tracing::debug!(supervisor = %cx.pid(), %child, %pid, "stops a child");
                    stop_child(cx.node(), cx.pid(), pid, shutdown).await;
                    Input::Stopped
                }
                Output::Answer(answer) => {
                    outcome.answer = Some(answer);
                    continue;
                }
                Output::End(reason) => {
                    outcome.end = Some(reason);
                    continue;
                }
            };
            self.machine.handle_input(input, now());
        }
        self.alarm.set(self.machine.poll_timeout());
        outcome
    }

    async fn start_child(&self, id: &str, cx: &Context<Self>) -> Input {
        let child = self.machine.children().find(id);
        let start = child
            .expect("the machine starts children that it has")
            .spec
            .start(cx.pid());
        match start.await {
            Ok(pid) => {
                tracing::debug!(supervisor = %cx.pid(), child = id, %pid, "started a child");
                Input::Started(pid)
            }
            Err(error) => {
                tracing::warn!(supervisor = %cx.pid(), child = id, %error, "no start of a child");
                Input::StartFailed(error)
            }
        }
    }
}

impl GenServer for Supervisor {
    type Args = SupervisorArgs;
    type Call = SupervisorCall;
    type Cast = ();

    async fn init(args: SupervisorArgs, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        let mut supervisor = Self {
            machine: Machine::new(args.strategy, args.intensity),
            alarm: Alarm::new(cx.node(), cx.pid()),
        };
        let begun = supervisor.handle(Input::Begin(args.children), cx).await;
        match begun.end {
            None => Ok(supervisor),
            Some(reason) => Err(reason),
        }
    }

    async fn handle_call(&mut self, call: SupervisorCall, cx: &mut Context<Self>) -> Flow {
        match call {
            SupervisorCall::WhichChildren(reply) => reply.send(self.machine.children().infos()),
            SupervisorCall::CountChildren(reply) => reply.send(self.machine.children().counts()),
            SupervisorCall::StartChild(spec, reply) => {
                let answer = self.ask(Input::StartChild(spec.0), cx).await;
                reply.send(answer.into_started());
            }
            SupervisorCall::TerminateChild(id, reply) => {
                let answer = self.ask(Input::TerminateChild(id.into()), cx).await;
                reply.send(answer.into_terminated());
            }
            SupervisorCall::RestartChild(id, reply) => {
                let answer = self.ask(Input::RestartChild(id.into()), cx).await;
                reply.send(answer.into_restarted());
            }
            SupervisorCall::DeleteChild(id, reply) => {
                let answer = self.ask(Input::DeleteChild(id.into()), cx).await;
                reply.send(answer.into_deleted());
            }
        }
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Context<Self>) -> Flow {
        let outcome = match info {
            Info::Exit(exit) => {
                let (pid, reason) = (exit.from, exit.reason);
                tracing::debug!(supervisor = %cx.pid(), %pid, %reason, "a linked process ended");
                self.handle(Input::Exited { pid, reason }, cx).await
            }
            Info::Other(posted) if posted.is::<Tick>() => {
                self.alarm.rang();
                self.machine.handle_timeout(now());
                self.perform(cx).await
            }
            other => {
                tracing::debug!(supervisor = %cx.pid(), info = ?other, "not handled; dropped");
                Outcome::default()
            }
        };
        match outcome.end {
            None => Flow::Continue,
            Some(reason) => {
                tracing::error!(supervisor = %cx.pid(), %reason, "the supervisor gives up");
                Flow::Stop(reason)
            }
        }
    }

    async fn terminate(&mut self, _reason: &ExitReason, cx: &mut Context<Self>) {
        let _ended = self.handle(Input::Shutdown, cx).await;
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
