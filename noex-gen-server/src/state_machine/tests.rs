//! The rules of the state machine, as tables of events and what is handled.

use std::time::{Duration, Instant};

use noex_core::ExitReason;

use super::machine::{Input, Machine, Next, Output, Step, TimeoutKey};

const SECOND: Duration = Duration::from_secs(1);

type Steps = Step<u8, &'static str>;

impl From<TimeoutKey> for &'static str {
    fn from(key: TimeoutKey) -> Self {
        match key {
            TimeoutKey::State => "state time-out",
            TimeoutKey::Event => "event time-out",
            TimeoutKey::Named(name) => name,
        }
    }
}

/// What each event leads to in each state.
fn rules(state: u8, event: &'static str) -> Steps {
    let keep = || Step::new(Next::Keep);
    let to = |state| Step::new(Next::To(state));
    let timeout = |mut step: Steps, key, after| {
        step.timeouts.push((key, after));
        step
    };
    match (state, event) {
        (1, "later" | "later too") => Step {
            postponed: Some(event),
            ..keep()
        },
        (_, "go") => to(state + 1),
        (_, "stay") => to(state),
        (_, "again") => Step::new(Next::Repeat),
        (_, "insert") => Step {
            inserted: vec!["one", "two"],
            ..keep()
        },
        (1, "go and insert") => Step {
            inserted: vec!["one"],
            ..to(2)
        },
        (_, "watch state") => timeout(keep(), TimeoutKey::State, Some(SECOND)),
        (_, "watch state now") => timeout(keep(), TimeoutKey::State, Some(Duration::ZERO)),
        (_, "watch events") => timeout(keep(), TimeoutKey::Event, Some(SECOND)),
        (_, "watch name") => timeout(keep(), TimeoutKey::Named("name"), Some(SECOND)),
        (_, "watch name for long") => timeout(keep(), TimeoutKey::Named("name"), Some(3 * SECOND)),
        (_, "unwatch name") => timeout(keep(), TimeoutKey::Named("name"), None),
        (_, "watch for ever") => timeout(keep(), TimeoutKey::State, Some(Duration::MAX)),
        (_, "end") => Step::new(Next::Stop(ExitReason::Shutdown)),
        _ => keep(),
    }
}

fn drain(machine: &mut Machine<u8, &'static str>, now: Instant) -> Vec<String> {
    let mut trace = Vec::new();
    while let Some(output) = machine.poll_output() {
        let state = *machine.state();
        let done = match output {
            Output::Enter { from } => {
                trace.push(format!("{from}>{state}"));
                Input::Entered(Step::new(Next::Keep))
            }
            Output::Handle(event) => {
                trace.push(format!("{state} {event}"));
                Input::Handled(rules(state, event))
            }
            Output::Stop(reason) => {
                trace.push(reason.to_string());
                return trace;
            }
        };
        machine.handle_input(done, now);
    }
    trace
}

/// Events that come one a second, or `""` where none comes, and what is handled then.
fn check(enter_calls: bool, events: &[&'static str], expected: &[&str]) {
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    let mut now = Instant::now();
    let mut machine = Machine::new(1, enter_calls);
    let mut trace = drain(&mut machine, now);
    for event in events {
        if event.is_empty() {
            now += SECOND;
            machine.handle_timeout(now);
        } else {
            machine.handle_input(Input::Event(*event), now);
        }
        trace.extend(drain(&mut machine, now));
    }
    assert_eq!(trace, expected, "{events:?}");
}

#[test]
fn events_are_handled_by_the_rules_of_gen_statem() {
    // Postponed events come back after a change of state, in order.
    check(
        false,
        &["later", "x", "later too", "stay", "go"],
        &[
            "1 later",
            "1 x",
            "1 later too",
            "1 stay",
            "1 go",
            "2 later",
            "2 later too",
        ],
    );
    // Inserted events go first, also before those that come back.
    check(false, &["insert"], &["1 insert", "1 one", "1 two"]);
    check(
        false,
        &["later", "go and insert"],
        &["1 later", "1 go and insert", "2 one", "2 later"],
    );
    // Each change is entered before anything else is handled.
    check(
        true,
        &["later", "stay", "again", "go"],
        &[
            "1>1", "1 later", "1 stay", "1 again", "1>1", "1 go", "1>2", "2 later",
        ],
    );
    check(false, &["later", "end"], &["1 later", "1 end", "shutdown"]);
}

#[test]
fn time_outs_run_by_the_rules_of_gen_statem() {
    check(
        false,
        &["watch state", "", ""],
        &["1 watch state", "1 state time-out"],
    );
    check(
        false,
        &["watch state", "stay", ""],
        &["1 watch state", "1 stay", "1 state time-out"],
    );
    check(
        false,
        &["watch state", "go", ""],
        &["1 watch state", "1 go"],
    );
    check(
        false,
        &["watch state now"],
        &["1 watch state now", "1 state time-out"],
    );
    check(false, &["watch for ever", ""], &["1 watch for ever"]);
    check(
        false,
        &["watch events", ""],
        &["1 watch events", "1 event time-out"],
    );
    check(
        false,
        &["watch events", "x", ""],
        &["1 watch events", "1 x"],
    );
    check(
        false,
        &["watch name", "go", ""],
        &["1 watch name", "1 go", "2 name"],
    );
    check(
        false,
        &["watch name", "unwatch name", ""],
        &["1 watch name", "1 unwatch name"],
    );
    check(
        false,
        &["watch name", "watch name for long", "", ""],
        &["1 watch name", "1 watch name for long"],
    );
}

#[test]
fn a_state_time_out_that_is_over_goes_with_its_state() {
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    let now = Instant::now();
    let mut machine = Machine::new(1, false);
    machine.handle_input(Input::Event("watch state"), now);
    assert_eq!(drain(&mut machine, now), ["1 watch state"]);
    assert_eq!(machine.poll_timeout(), Some(now + SECOND));
    machine.handle_input(Input::Event("go"), now);
    machine.handle_timeout(now + SECOND);
    assert_eq!(drain(&mut machine, now + SECOND), ["1 go"]);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn an_enter_call_that_changes_the_state_ends_the_machine() {
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    let now = Instant::now();
    for wrong in ["go", "later", "insert", "again"] {
        let mut machine: Machine<u8, &'static str> = Machine::new(1, true);
        assert_eq!(machine.poll_output(), Some(Output::Enter { from: 1 }));
        machine.handle_input(Input::Entered(rules(1, wrong)), now);
        assert!(
            matches!(machine.poll_output(), Some(Output::Stop(_))),
            "{wrong}"
        );
    }
}
