//! `StateMachine`: performs what its machine decides.

use std::any::Any;
use std::fmt;

use noex_core::mailbox::Info;
use noex_core::{ExitReason, TimerRef};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use super::machine::{Input, Machine, Next, Output, Step, TimeoutKey};
use super::{Event, GenStateMachine, StateContext};
use crate::context::Deadline;
use crate::{Flow, GenServer};

/// The server that runs a [`GenStateMachine`]; started by [`GenStateMachine::start`].
pub struct StateMachine<M: GenStateMachine> {
    data: M,
    machine: Machine<M::State, Dated<M>>,
    /// Runs until the earliest time-out.
    timer: Option<(TimerRef, std::time::Instant)>,
}

/// An event, and how long the caller waits of the call that led to it: it may be handled much
/// later, because of a message that has nothing to do with it.
#[derive(Debug)]
struct Dated<M: GenStateMachine> {
    event: Event<M>,
    deadline: Deadline,
}

impl<M: GenStateMachine> From<TimeoutKey> for Dated<M> {
    fn from(key: TimeoutKey) -> Self {
        Self {
            event: key.into(),
            deadline: Deadline::None,
        }
    }
}

/// The first enter call is due.
struct Begin;

/// A time-out is due.
struct Due;

impl<M: GenStateMachine> GenServer for StateMachine<M> {
    type Args = M::Args;
    type Call = M::Call;
    type Cast = M::Cast;

    async fn init(args: M::Args, cx: &mut StateContext<M>) -> Result<Self, ExitReason> {
        let (data, state) = M::init(args, cx).await?;
        if M::ENTER_CALLS {
            cx.continue_with(Begin);
        }
        Ok(Self {
            data,
            machine: Machine::new(state, M::ENTER_CALLS),
            timer: None,
        })
    }

    async fn handle_call(&mut self, call: M::Call, cx: &mut StateContext<M>) -> Flow {
        self.handle(Event::Call(call), cx).await
    }

    async fn handle_cast(&mut self, cast: M::Cast, cx: &mut StateContext<M>) -> Flow {
        self.handle(Event::Cast(cast), cx).await
    }

    async fn handle_info(&mut self, info: Info, cx: &mut StateContext<M>) -> Flow {
        match info {
            Info::Other(value) if value.is::<Due>() => {
                self.timer = None;
                self.machine.handle_timeout(Instant::now().into_std());
                self.run(cx).await
            }
            info => self.handle(Event::Info(info), cx).await,
        }
    }

    async fn handle_continue(
        &mut self,
        value: Box<dyn Any + Send>,
        cx: &mut StateContext<M>,
    ) -> Flow {
        if value.is::<Begin>() {
            return self.run(cx).await;
        }
        self.handle(Event::Info(Info::Other(value)), cx).await
    }

    async fn terminate(&mut self, reason: &ExitReason, cx: &mut StateContext<M>) {
        let state = self.machine.state();
        self.data.terminate(state, reason, cx).await;
    }

    fn describe(&self) -> Option<String> {
        self.data.describe(self.machine.state())
    }

    fn protocol() -> &'static str {
        M::protocol()
    }
}

impl<M: GenStateMachine> StateMachine<M> {
    async fn handle(&mut self, event: Event<M>, cx: &mut StateContext<M>) -> Flow {
        let now = Instant::now().into_std();
        let deadline = cx.deadline_mark();
        let dated = Dated { event, deadline };
        self.machine.handle_input(Input::Event(dated), now);
        self.run(cx).await
    }

    async fn run(&mut self, cx: &mut StateContext<M>) -> Flow {
        while let Some(output) = self.machine.poll_output() {
            let state = self.machine.state();
            let done = match output {
                Output::Enter { from } => {
                    let enter = Event::Enter { from };
                    let transition = self.data.handle_event(state, enter, cx).await;
                    let deadline = cx.deadline_mark();
                    let dated = |event| Dated { event, deadline };
                    Input::Entered(transition.into_step().map(dated))
                }
                Output::Handle(Dated { event, deadline }) => {
                    let is_wanted = cx.resume(deadline);
                    if is_wanted || !matches!(event, Event::Call(_)) {
                        let transition = self.data.handle_event(state, event, cx).await;
                        let dated = |event| Dated { event, deadline };
                        Input::Handled(transition.into_step().map(dated))
                    } else {
                        Input::Handled(Step::new(Next::Keep))
                    }
                }
                Output::Stop(reason) => return Flow::Stop(reason),
            };
            self.machine.handle_input(done, Instant::now().into_std());
            // A machine that inserts events for ever must let others run, and can be killed.
            consume_budget().await;
        }
        self.arm(cx);
        Flow::Continue
    }

    fn arm(&mut self, cx: &StateContext<M>) {
        let wanted = self.machine.poll_timeout();
        if self.timer.map(|(_, at)| at) == wanted {
            return;
        }
        if let Some((timer, _)) = self.timer.take() {
            cx.cancel_timer(timer);
        }
        self.timer = wanted.map(|at| {
            let delay = Instant::from_std(at).saturating_duration_since(Instant::now());
            (cx.send_after(delay, Due), at)
        });
    }
}

impl<M: GenStateMachine> fmt::Debug for StateMachine<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateMachine")
            .field("state", self.machine.state())
            .finish_non_exhaustive()
    }
}
