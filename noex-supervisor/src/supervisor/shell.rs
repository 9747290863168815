//! `Shell`: performs what the machine of a supervisor decides.

use noex_core::mailbox::Info;
use noex_core::{ExitReason, LocalNode, Pid};
use noex_gen_server::{Context, Flow, GenServer, StartError};
use tokio::time::Instant;

use super::answer::Answer;
use super::child_spec::ChildSpec;
use super::children::Children;
use super::input::Input;
use super::machine::Machine;
use super::output::Output;
use crate::alarm::{Alarm, Tick};
use crate::stop_child::{stop_child, stop_children};

/// The process around a machine.
#[derive(Debug)]
pub(super) struct Shell {
    node: LocalNode,
    pid: Pid,
    machine: Machine,
    alarm: Alarm,
}

/// What came of an input.
#[derive(Debug, Default)]
struct Outcome {
    answer: Option<Answer>,
    end: Option<ExitReason>,
}

impl Shell {
    /// Starts the first children of the server `cx`, which traps exits from now on.
    pub(super) async fn begin<S: GenServer>(
        machine: Machine,
        specs: Vec<ChildSpec>,
        cx: &Context<S>,
    ) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        let mut shell = Self {
            node: cx.node().clone(),
            pid: cx.pid(),
            machine,
            alarm: Alarm::new(cx.node(), cx.pid()),
        };
        match shell.handle(Input::Begin(specs)).await.end {
            None => Ok(shell),
            Some(reason) => Err(reason),
        }
    }

    pub(super) async fn ask(&mut self, input: Input) -> Answer {
        let answer = self.handle(input).await.answer;
        answer.expect("the machine answers whoever asks while nothing is under way")
    }

    pub(super) async fn handle_info(&mut self, info: Info) -> Flow {
        let outcome = match info {
            Info::Exit(exit) => {
                let (pid, reason) = (exit.from, exit.reason);
                tracing::debug!(supervisor = %self.pid, %pid, %reason, "a linked process ended");
                self.handle(Input::Exited { pid, reason }).await
            }
            Info::Other(posted) if posted.is::<Tick>() => {
                self.alarm.rang();
                self.machine.handle_timeout(now());
                self.perform().await
            }
            other => {
                tracing::debug!(supervisor = %self.pid, info = ?other, "not handled; dropped");
                Outcome::default()
            }
        };
        match outcome.end {
            None => Flow::Continue,
            Some(reason) => {
                tracing::warn!(supervisor = %self.pid, %reason, "the supervisor ends by itself");
                Flow::Stop(reason)
            }
        }
    }

    pub(super) async fn shut_down(&mut self) {
        let _ended = self.handle(Input::Shutdown).await;
    }

    pub(super) const fn children(&self) -> &Children {
        self.machine.children()
    }

    async fn handle(&mut self, input: Input) -> Outcome {
        self.machine.handle_input(input, now());
        self.perform().await
    }

    async fn perform(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some(output) = self.machine.poll_output() {
            let input = match output {
                Output::Start(id) => self.start_child(&id).await,
                Output::Stop {
                    child,
                    pid,
                    shutdown,
                } => {
                    tracing::debug!(supervisor = %self.pid, %child, %pid, "stops a child");
                    stop_child(&self.node, self.pid, pid, shutdown).await;
                    Input::Stopped
                }
                Output::StopAll(children) => {
                    let count = children.len();
                    tracing::debug!(supervisor = %self.pid, count, "stops all children");
                    stop_children(&self.node, self.pid, children).await;
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

    async fn start_child(&self, id: &str) -> Input {
        let child = self.children().find(id);
        let start = child
            .expect("the machine starts children that it has")
            .spec
            .start(self.pid);
        match start.await {
            Ok(pid) => {
                tracing::debug!(supervisor = %self.pid, child = id, %pid, "started a child");
                Input::Started(pid)
            }
            Err(StartError::Init(ExitReason::Normal)) => {
                tracing::debug!(supervisor = %self.pid, child = id, "the child has nothing to do");
                Input::StartIgnored
            }
            Err(error) => {
                tracing::warn!(supervisor = %self.pid, child = id, %error, "no start of a child");
                Input::StartFailed(error)
            }
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
