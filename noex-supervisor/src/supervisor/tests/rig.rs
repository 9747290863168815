//! A machine, and a shell that does what a test expects of it.

use std::collections::BTreeSet;
use std::time::Instant;

use noex_core::{Creation, ExitReason, Pid};
use noex_gen_server::{Context, Flow, GenServer, StartError};

use crate::Strategy;
use crate::supervisor::answer::Answer;
use crate::supervisor::child_spec::ChildSpec;
use crate::supervisor::children::ChildState;
use crate::supervisor::input::Input;
use crate::supervisor::machine::Machine;
use crate::supervisor::output::Output;
use crate::supervisor::rules::Rules;

struct Dummy;

impl GenServer for Dummy {
    type Args = ();
    type Call = ();
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }
}

pub(super) fn spec(id: &str) -> ChildSpec {
    ChildSpec::new(id, || Dummy::start(()))
}

/// A machine whose shell succeeds in all but the starts of `broken` and `idle` children.
pub(super) struct Rig {
    pub(super) machine: Machine,
    pub(super) broken: BTreeSet<&'static str>,
    pub(super) idle: BTreeSet<&'static str>,
    pids: u64,
    pub(super) now: Instant,
    answer: Option<Answer>,
    pub(super) end: Option<ExitReason>,
}

impl Rig {
    pub(super) fn new(strategy: Strategy) -> Self {
        Self::with(Rules {
            strategy,
            ..Rules::default()
        })
    }

    pub(super) fn with(rules: Rules) -> Self {
        Self {
            machine: Machine::new(rules),
            broken: BTreeSet::new(),
            idle: BTreeSet::new(),
            pids: 0,
            now: tokio::time::Instant::now().into_std(),
            answer: None,
            end: None,
        }
    }

    pub(super) fn begun(strategy: Strategy, specs: [ChildSpec; 3]) -> Self {
        let mut rig = Self::new(strategy);
        assert_eq!(rig.put(Input::Begin(specs.into())), "+a +b +c");
        rig
    }

    /// What is done about the input: `+a` is a start, `!a` one that fails, `?a` one that
    /// is ignored, `-a` a stop.
    pub(super) fn put(&mut self, input: Input) -> String {
        self.machine.handle_input(input, self.now);
        self.perform()
    }

    pub(super) fn time_out(&mut self) -> String {
        assert!(self.machine.poll_timeout().is_some_and(|at| at <= self.now));
        self.machine.handle_timeout(self.now);
        self.perform()
    }

    pub(super) fn perform(&mut self) -> String {
        let mut done = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            let input = match output {
                Output::Start(id) if self.broken.contains(&*id) => {
                    done.push(format!("!{id}"));
                    Input::StartFailed(StartError::Timeout)
                }
                Output::Start(id) if self.idle.contains(&*id) => {
                    done.push(format!("?{id}"));
                    Input::StartIgnored
                }
                Output::Start(id) => {
                    done.push(format!("+{id}"));
                    self.pids += 1;
                    Input::Started(Pid::new(Creation::from_bits(1), self.pids))
                }
                Output::Stop { child, .. } => {
                    done.push(format!("-{child}"));
                    Input::Stopped
                }
                Output::StopAll(children) => {
                    done.push(format!("-{}", children.len()));
                    Input::Stopped
                }
                Output::Answer(answer) => {
                    self.answer = Some(answer);
                    continue;
                }
                Output::End(reason) => {
                    self.end = Some(reason);
                    continue;
                }
            };
            self.machine.handle_input(input, self.now);
        }
        done.join(" ")
    }

    pub(super) fn exit(&mut self, id: &str, reason: ExitReason) -> String {
        let pid = self.pid(id).expect("the child runs");
        self.put(Input::Exited { pid, reason })
    }

    pub(super) fn pid(&self, id: &str) -> Option<Pid> {
        self.state(id)?.pid()
    }

    pub(super) fn state(&self, id: &str) -> Option<ChildState> {
        self.machine.children().find(id).map(|child| child.state)
    }

    pub(super) fn ask(&mut self, input: Input) -> (String, Answer) {
        let done = self.put(input);
        (done, self.answer.take().expect("whoever asks is answered"))
    }
}

pub(super) fn crash() -> ExitReason {
    ExitReason::error("broken")
}
