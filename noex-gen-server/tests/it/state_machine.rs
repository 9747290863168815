//! A state machine as its users see it.

use std::sync::Arc;
use std::time::Duration;

use noex_core::mailbox::Info;
use noex_core::{CallError, ExitReason, Local, LocalNode, ReplyTo};
use noex_gen_server::state_machine::{
    Event, GenStateMachine, StateContext, StateMachine, Transition,
};
use noex_gen_server::{GenServer, ServerRef};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::support::{id, soon};

const SECOND: Duration = Duration::from_secs(1);

type Log = Arc<Mutex<Vec<String>>>;

/// A line that connects slowly: requests wait until it is up.
struct Line {
    log: Log,
    began: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Down,
    Connecting { attempt: u32 },
    Up,
}

#[derive(Serialize, Deserialize)]
enum Ask {
    Send(u32, ReplyTo<u32>),
    State(ReplyTo<Local<State>>),
}

#[derive(Serialize, Deserialize)]
enum Tell {
    Connect,
    Disconnect,
    Fall,
}

impl Line {
    fn note(&self, what: &str) {
        let at = self.began.elapsed().as_secs_f32().round();
        self.log.lock().push(format!("{at} {what}"));
    }
}

impl GenStateMachine for Line {
    type Args = Log;
    type State = State;
    type Call = Ask;
    type Cast = Tell;

    const ENTER_CALLS: bool = true;

    async fn init(log: Log, _cx: &mut StateContext<Self>) -> Result<(Self, State), ExitReason> {
        let began = Instant::now();
        Ok((Self { log, began }, State::Down))
    }

    async fn handle_event(
        &mut self,
        state: &State,
        event: Event<Self>,
        cx: &mut StateContext<Self>,
    ) -> Transition<Self> {
        match (state, event) {
            (State::Connecting { .. }, Event::Enter { .. }) => {
                self.note("connecting");
                Transition::keep().state_timeout(SECOND)
            }
            (_, Event::Enter { from }) => {
                self.note(&format!("{from:?} to {state:?}"));
                Transition::keep()
            }
            (_, Event::Call(Ask::State(reply))) => {
                reply.send(Local(state.clone()));
                Transition::keep()
            }
            (State::Down, Event::Cast(Tell::Connect)) => {
                Transition::to(State::Connecting { attempt: 1 }).timeout("patience", 5 * SECOND)
            }
            (State::Connecting { attempt: 3 }, Event::StateTimeout) => {
                Transition::to(State::Up).cancel_timeout("patience")
            }
            (State::Connecting { attempt }, Event::StateTimeout) => {
                let attempt = attempt + 1;
                Transition::to(State::Connecting { attempt })
            }
            (State::Up, Event::Call(Ask::Send(number, reply))) => {
                self.note(&format!("send {number}"));
                reply.send(number);
                cx.send_after(SECOND, "acknowledged");
                Transition::keep()
            }
            (_, send @ Event::Call(Ask::Send(..))) => Transition::keep().postpone(send),
            (_, Event::Cast(Tell::Disconnect)) => Transition::to(State::Down),
            (_, Event::Cast(Tell::Fall)) => Transition::stop(ExitReason::error("it fell")),
            (_, Event::Info(Info::Other(value))) => {
                self.note(value.downcast_ref::<&str>().unwrap());
                Transition::keep()
            }
            (_, other) => {
                self.note(&format!("{other:?}"));
                Transition::keep()
            }
        }
    }

    async fn terminate(&mut self, state: &State, reason: &ExitReason, _: &mut StateContext<Self>) {
        self.note(&format!("{state:?} ends: {reason}"));
    }
}

async fn line() -> (LocalNode, ServerRef<StateMachine<Line>>, Log) {
    let node = LocalNode::start(id(1));
    let log = Log::default();
    let line = Line::start(Arc::clone(&log)).name("line").on(&node);
    let line = line.await.unwrap();
    (node, line, log)
}

#[tokio::test(start_paused = true)]
async fn postponed_calls_are_answered_once_the_state_allows() {
    let (node, line, log) = line().await;
    let send = |number| {
        let line = line.clone();
        let call = async move { line.call(|reply| Ask::Send(number, reply)).await };
        noex_core::task::spawn(&node, call)
    };
    let first = send(1);
    line.cast(Tell::Connect).unwrap();
    sleep(SECOND / 2).await;
    let second = send(2);
    assert_eq!(soon("first", first).await.unwrap(), Ok(1));
    assert_eq!(soon("second", second).await.unwrap(), Ok(2));
    let state = line.call(Ask::State).await.unwrap();
    assert_eq!(*state, State::Up);
    sleep(3 * SECOND).await;
    let expected = [
        "0 Down to Down",
        "0 connecting",
        "1 connecting",
        "2 connecting",
        "3 Connecting { attempt: 3 } to Up",
        "3 send 1",
        "3 send 2",
        "4 acknowledged",
        "4 acknowledged",
    ];
    assert_eq!(*log.lock(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_named_time_out_outlives_the_state_and_a_state_time_out_does_not() {
    let (_node, line, log) = line().await;
    line.cast(Tell::Connect).unwrap();
    line.cast(Tell::Disconnect).unwrap();
    sleep(9 * SECOND).await;
    let log = log.lock();
    let expected = [
        "0 Connecting { attempt: 1 } to Down",
        "5 Timeout(\"patience\")",
    ];
    assert_eq!(log[2..], expected);
}

#[tokio::test(start_paused = true)]
async fn callers_of_postponed_calls_learn_why_the_machine_ended() {
    let (node, line, log) = line().await;
    let call = line.call(|reply| Ask::Send(1, reply));
    let end = async { line.cast(Tell::Fall) };
    let (called, ended) = tokio::join!(call, end);
    ended.unwrap();
    let why = ExitReason::error("it fell");
    assert_eq!(called, Err(CallError::Exited(why)));
    assert_eq!(log.lock()[1..], ["0 Down ends: error: it fell"]);
    assert_eq!(node.whereis("line"), None);
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_called_by_its_name_as_any_server() {
    let (node, _line, _log) = line().await;
    let _inside = node.enter();
    let state = StateMachine::<Line>::call("line", Ask::State).await;
    assert_eq!(state, Ok(Local(State::Down)));
    StateMachine::<Line>::stop("line").await.unwrap();
}

/// A gate: who asks while it is shut waits until it is open. Tells how long the caller has left.
struct Gate;

#[derive(Debug, Clone, PartialEq, Eq)]
enum GateState {
    Shut,
    Open,
}

impl GenStateMachine for Gate {
    type Args = ();
    type State = GateState;
    type Call = ReplyTo<Option<Duration>>;
    type Cast = ();

    async fn init((): (), _cx: &mut StateContext<Self>) -> Result<(Self, GateState), ExitReason> {
        Ok((Self, GateState::Shut))
    }

    async fn handle_event(
        &mut self,
        state: &GateState,
        event: Event<Self>,
        cx: &mut StateContext<Self>,
    ) -> Transition<Self> {
        match (state, event) {
            (GateState::Shut, Event::Cast(())) => Transition::to(GateState::Open),
            (GateState::Shut, call @ Event::Call(_)) => Transition::keep().postpone(call),
            (GateState::Open, Event::Call(reply)) => {
                let left = cx.deadline().map(|at| at.duration_since(Instant::now()));
                reply.send(left);
                Transition::keep()
            }
            _ => Transition::keep(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_postponed_call_has_its_own_deadline_and_is_not_handled_once_that_is_over() {
    let node = LocalNode::start(id(1));
    let gate = Gate::start(()).on(&node).await.unwrap();
    let patient = gate.call(|reply| reply).timeout(60 * SECOND);
    let hasty = gate.call(|reply| reply).timeout(SECOND);
    let opening = async {
        sleep(3 * SECOND).await;
        gate.cast(()).unwrap();
    };
    let (patient, hasty, ()) = tokio::join!(patient, hasty, opening);
    assert_eq!(hasty, Err(CallError::Timeout));
    // The clock of deadlines goes in steps.
    let left = patient.unwrap().unwrap();
    assert!((56 * SECOND..=57 * SECOND).contains(&left), "{left:?}");
    assert_eq!(node.skipped_calls().expired, 1);
}
