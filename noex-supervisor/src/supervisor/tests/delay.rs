//! Restarts that wait.

use std::time::Duration;

use noex_core::ExitReason;

use super::rig::{Rig, crash, spec};
use crate::supervisor::answer::Answer;
use crate::supervisor::children::ChildState;
use crate::supervisor::input::Input;
use crate::supervisor::rules::Rules;
use crate::{RestartDelay, Strategy};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Waits 2 s, 4 s, 8 s, and 10 s from then on.
fn begun(strategy: Strategy) -> Rig {
    let mut rig = Rig::with(Rules {
        strategy,
        restart_delay: RestartDelay {
            first: seconds(2),
            max: seconds(10),
        },
        ..Rules::default()
    });
    let specs = ["a", "b", "c"].map(spec).into();
    assert_eq!(rig.put(Input::Begin(specs)), "+a +b +c");
    rig
}

/// How long the next restart has to wait; the time passes.
fn wait(rig: &mut Rig) -> Duration {
    let at = rig.machine.poll_timeout().expect("a restart is due");
    let wait = at - rig.now;
    rig.now = at;
    wait
}

#[test]
fn each_restart_waits_longer_until_the_child_runs_for_long() {
    let mut rig = begun(Strategy::OneForOne);
    // How long it ran, and how long it then waits.
    let cases = [(0, 2), (0, 4), (9, 8), (0, 10), (5, 10), (10, 2), (1, 4)];
    for (ran, waits) in cases {
        rig.now += seconds(ran);
        assert_eq!(rig.exit("b", crash()), "");
        assert_eq!(rig.state("b"), Some(ChildState::Restarting));
        assert_eq!(wait(&mut rig), seconds(waits), "{ran}");
        assert_eq!(rig.time_out(), "+b");
    }
}

#[test]
fn a_start_that_fails_waits_as_a_crash_does() {
    let mut rig = begun(Strategy::OneForOne);
    rig.broken.insert("b");
    assert_eq!(rig.exit("b", crash()), "");
    for waits in [2, 4, 8, 10, 10] {
        assert_eq!(wait(&mut rig), seconds(waits));
        assert_eq!(rig.time_out(), "!b");
    }
    assert_eq!(rig.end, None);
}

#[test]
fn children_wait_apart_and_the_first_to_be_due_comes_first() {
    let mut rig = begun(Strategy::OneForOne);
    assert_eq!(rig.exit("c", crash()), "");
    rig.now += seconds(1);
    assert_eq!(rig.exit("a", crash()), "");
    assert_eq!(wait(&mut rig), seconds(1));
    rig.machine.handle_timeout(rig.now - seconds(1));
    assert_eq!(rig.perform(), "");
    assert_eq!(rig.time_out(), "+c");
    assert_eq!(wait(&mut rig), seconds(1));
    assert_eq!(rig.time_out(), "+a");
    assert_eq!(rig.machine.poll_timeout(), None);
}

#[test]
fn others_run_on_while_one_waits_and_restart_with_it() {
    let mut rig = begun(Strategy::OneForAll);
    assert_eq!(rig.exit("b", crash()), "");
    assert!(rig.pid("c").is_some());
    rig.now += seconds(2);
    assert_eq!(rig.time_out(), "-c -a +a +b +c");
}

#[test]
fn a_restart_for_the_sake_of_others_settles_the_one_that_waits() {
    let mut rig = begun(Strategy::RestForOne);
    assert_eq!(rig.exit("a", crash()), "");
    rig.now += seconds(1);
    assert_eq!(rig.exit("c", crash()), "");
    rig.now += seconds(1);
    assert_eq!(rig.time_out(), "-b +a +b +c");
    assert_eq!(rig.machine.poll_timeout(), None);
}

#[test]
fn waiting_children_neither_restart_after_a_stop_nor_hold_it_up() {
    let mut rig = begun(Strategy::OneForOne);
    assert_eq!(rig.exit("a", crash()), "");
    let stopped = rig.ask(Input::TerminateChild("a".into()));
    assert_eq!(stopped, (String::new(), Answer::Done));
    assert_eq!(rig.machine.poll_timeout(), None);
    assert_eq!(rig.exit("b", crash()), "");
    assert_eq!(rig.put(Input::Shutdown), "-c");
    assert_eq!(rig.end, Some(ExitReason::Shutdown));
    assert_eq!(rig.machine.poll_timeout(), None);
}

#[test]
fn a_child_that_is_stopped_for_the_others_goes_on_waiting_longer_each_time() {
    let mut rig = begun(Strategy::OneForAll);
    // Each crash is followed by a restart of all.
    for (id, waits) in [("b", 2), ("c", 2), ("b", 4), ("c", 4), ("b", 8)] {
        assert_eq!(rig.exit(id, crash()), "");
        assert_eq!(wait(&mut rig), seconds(waits), "{id}");
        assert!(rig.time_out().ends_with("+a +b +c"));
    }
}

#[test]
fn a_child_that_is_stopped_by_hand_begins_anew() {
    let mut rig = begun(Strategy::OneForOne);
    assert_eq!(rig.exit("b", crash()), "");
    assert_eq!(wait(&mut rig), seconds(2));
    assert_eq!(rig.time_out(), "+b");
    assert_eq!(rig.ask(Input::TerminateChild("b".into())).0, "-b");
    assert_eq!(rig.ask(Input::RestartChild("b".into())).0, "+b");
    assert_eq!(rig.exit("b", crash()), "");
    assert_eq!(wait(&mut rig), seconds(2));
}
