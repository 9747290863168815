//! What stops and starts when a child exits, or when somebody asks.

use std::time::Duration;

use noex_core::ExitReason;
use noex_gen_server::StartError;

use super::rig::{Rig, crash, spec};
use crate::supervisor::answer::Answer;
use crate::supervisor::children::ChildState;
use crate::supervisor::input::Input;
use crate::{Restart, Strategy};

#[test]
fn each_strategy_restarts_what_it_says_for_each_rule_reason_and_place() {
    let restarted = |strategy, place: &str| match (strategy, place) {
        (Strategy::OneForOne, "a") => "+a",
        (Strategy::OneForOne, "b") => "+b",
        (Strategy::OneForOne, _) => "+c",
        (Strategy::OneForAll, "a") => "-c -b +a +b +c",
        (Strategy::OneForAll, "b") => "-c -a +a +b +c",
        (Strategy::OneForAll, _) => "-b -a +a +b +c",
        (Strategy::RestForOne, "a") => "-c -b +a +b +c",
        (Strategy::RestForOne, "b") => "-c +b +c",
        (Strategy::RestForOne, _) => "+c",
    };
    let with = |reason| ExitReason::ShutdownWith(reason);
    let rules = [
        (Restart::Permanent, ExitReason::Normal, true),
        (Restart::Permanent, ExitReason::Shutdown, true),
        (Restart::Permanent, ExitReason::Killed, true),
        (Restart::Permanent, crash(), true),
        (Restart::Transient, ExitReason::Normal, false),
        (Restart::Transient, ExitReason::Shutdown, false),
        (Restart::Transient, with("done".into()), false),
        (Restart::Transient, ExitReason::Killed, true),
        (Restart::Transient, crash(), true),
        (Restart::Temporary, ExitReason::Normal, false),
        (Restart::Temporary, ExitReason::Killed, false),
        (Restart::Temporary, crash(), false),
    ];
    for strategy in [
        Strategy::OneForOne,
        Strategy::OneForAll,
        Strategy::RestForOne,
    ] {
        for (restart, reason, is_restarted) in &rules {
            for place in ["a", "b", "c"] {
                let specs = ["a", "b", "c"].map(|id| match id == place {
                    true => spec(id).restart(*restart),
                    false => spec(id),
                });
                let mut rig = Rig::begun(strategy, specs);
                let done = rig.exit(place, reason.clone());
                let wanted = if *is_restarted {
                    restarted(strategy, place)
                } else {
                    ""
                };
                let case = format!("{strategy:?}, {restart:?}, {reason}, {place}");
                assert_eq!(done, wanted, "{case}");
                let gone = rig.state(place).is_none();
                assert_eq!(gone, *restart == Restart::Temporary, "{case}");
            }
        }
    }
}

#[test]
fn a_temporary_child_that_is_stopped_for_the_others_does_not_come_back() {
    let specs = [spec("a"), spec("b").restart(Restart::Temporary), spec("c")];
    let mut rig = Rig::begun(Strategy::OneForAll, specs);
    assert_eq!(rig.exit("c", crash()), "-b -a +a +c");
    assert_eq!(rig.state("b"), None);
}

#[test]
fn children_stop_in_reverse_order() {
    let mut rig = Rig::begun(Strategy::OneForOne, ["a", "b", "c"].map(spec));
    assert_eq!(rig.put(Input::Shutdown), "-c -b -a");
    assert_eq!(rig.end, Some(ExitReason::Shutdown));
}

#[test]
fn a_start_that_fails_half_way_stops_what_was_started() {
    let mut rig = Rig::new(Strategy::OneForOne);
    rig.broken.insert("c");
    let specs = ["a", "b", "c", "d"].map(spec).into();
    assert_eq!(rig.put(Input::Begin(specs)), "+a +b !c -b -a");
    assert!(matches!(rig.end, Some(ExitReason::ShutdownWith(_))));
}

#[test]
fn two_children_with_one_id_are_refused() {
    let mut rig = Rig::new(Strategy::OneForOne);
    let specs = ["a", "a"].map(spec).into();
    assert_eq!(rig.put(Input::Begin(specs)), "");
    assert!(matches!(rig.end, Some(ExitReason::Error(_))));
}

#[test]
fn restarts_that_come_too_often_end_all_children() {
    let mut rig = Rig::begun(Strategy::OneForOne, ["a", "b", "c"].map(spec));
    for _ in 0..3 {
        assert_eq!(rig.exit("b", crash()), "+b");
    }
    assert_eq!(rig.exit("b", crash()), "-c -a");
    assert!(rig.end.is_some_and(|reason| reason.is_orderly()));
}

#[test]
fn restarts_that_are_far_apart_are_borne() {
    let mut rig = Rig::begun(Strategy::OneForOne, ["a", "b", "c"].map(spec));
    for _ in 0..20 {
        assert_eq!(rig.exit("b", crash()), "+b");
        rig.now += Duration::from_secs(2);
    }
}

#[test]
fn a_restart_that_fails_is_tried_again_and_counts() {
    let mut rig = Rig::begun(Strategy::OneForAll, ["a", "b", "c"].map(spec));
    rig.broken.insert("b");
    assert_eq!(rig.exit("a", crash()), "-c -b +a !b");
    assert_eq!(rig.state("b"), Some(ChildState::Restarting));
    assert_eq!(rig.time_out(), "-a +a !b");
    rig.broken.clear();
    assert_eq!(rig.time_out(), "-a +a +b +c");
    assert_eq!(rig.machine.poll_timeout(), None);
    rig.broken.insert("b");
    assert_eq!(rig.exit("c", crash()), "-b -a");
    assert!(rig.end.is_some());
}

#[test]
fn an_exit_that_comes_while_children_stop_is_no_second_restart() {
    let mut rig = Rig::begun(Strategy::OneForAll, ["a", "b", "c"].map(spec));
    let old = rig.pid("c").unwrap();
    assert_eq!(rig.exit("a", crash()), "-c -b +a +b +c");
    let late = Input::Exited {
        pid: old,
        reason: crash(),
    };
    assert_eq!(rig.put(late), "");
}

#[test]
fn an_exit_during_other_work_is_handled_after_it() {
    let mut rig = Rig::begun(Strategy::OneForOne, ["a", "b", "c"].map(spec));
    let [a, b] = ["a", "b"].map(|id| rig.pid(id).unwrap());
    let reason = crash();
    rig.machine
        .handle_input(Input::Exited { pid: a, reason }, rig.now);
    let reason = crash();
    rig.machine
        .handle_input(Input::Exited { pid: b, reason }, rig.now);
    assert_eq!(rig.perform(), "+a");
    assert_eq!(rig.time_out(), "+b");
}

#[test]
fn children_are_added_stopped_started_and_taken_away() {
    let mut rig = Rig::begun(Strategy::OneForOne, ["a", "b", "c"].map(spec));
    let (done, answer) = rig.ask(Input::StartChild(spec("d")));
    assert_eq!(done, "+d");
    assert_eq!(answer, Answer::Started(rig.pid("d").unwrap()));
    let (_, answer) = rig.ask(Input::StartChild(spec("d")));
    assert_eq!(answer, Answer::Running(rig.pid("d").unwrap()));
    let (_, answer) = rig.ask(Input::DeleteChild("d".into()));
    assert_eq!(answer, Answer::Running(rig.pid("d").unwrap()));

    let stopped = rig.ask(Input::TerminateChild("d".into()));
    assert_eq!(stopped, ("-d".into(), Answer::Done));
    let (_, answer) = rig.ask(Input::StartChild(spec("d")));
    assert_eq!(answer, Answer::Present);
    rig.broken.insert("d");
    let failed = rig.ask(Input::RestartChild("d".into()));
    assert_eq!(failed, ("!d".into(), Answer::Failed(StartError::Timeout)));
    rig.broken.clear();
    assert_eq!(rig.ask(Input::RestartChild("d".into())).0, "+d");
    assert_eq!(rig.ask(Input::TerminateChild("d".into())).0, "-d");
    assert_eq!(rig.ask(Input::DeleteChild("d".into())).1, Answer::Done);
    for ask in [
        Input::TerminateChild,
        Input::RestartChild,
        Input::DeleteChild,
    ] {
        assert_eq!(rig.ask(ask("d".into())).1, Answer::NotFound);
    }
}

#[test]
fn a_new_child_that_does_not_start_is_not_added() {
    let mut rig = Rig::begun(Strategy::OneForOne, ["a", "b", "c"].map(spec));
    rig.broken.insert("d");
    let (done, answer) = rig.ask(Input::StartChild(spec("d")));
    assert_eq!(
        (done.as_str(), answer),
        ("!d", Answer::Failed(StartError::Timeout))
    );
    assert_eq!(rig.state("d"), None);
}

#[test]
fn a_child_that_is_stopped_by_hand_ends_its_restart() {
    let mut rig = Rig::begun(Strategy::OneForOne, ["a", "b", "c"].map(spec));
    rig.broken.insert("b");
    assert_eq!(rig.exit("b", crash()), "!b");
    let stopped = rig.ask(Input::TerminateChild("b".into()));
    assert_eq!(stopped, (String::new(), Answer::Done));
    assert_eq!(rig.machine.poll_timeout(), None);
    assert_eq!(rig.state("b"), Some(ChildState::Stopped));
}

#[test]
fn a_child_that_has_nothing_to_do_stays_stopped_whenever_it_is_started() {
    for (restart, stays) in [
        (Restart::Permanent, true),
        (Restart::Transient, true),
        (Restart::Temporary, false),
    ] {
        let idle = || spec("b").restart(restart);
        let stopped = stays.then_some(ChildState::Stopped);
        let mut rig = Rig::new(Strategy::OneForAll);
        rig.idle.insert("b");
        let specs = vec![spec("a"), idle(), spec("c")];
        assert_eq!(rig.put(Input::Begin(specs)), "+a ?b +c");
        assert_eq!(rig.state("b"), stopped, "{restart:?}");
        let rest = if stays { "+a ?b +c" } else { "+a +c" };
        assert_eq!(rig.exit("c", crash()), format!("-a {rest}"));
        if stays {
            let asked = rig.ask(Input::RestartChild("b".into()));
            assert_eq!(asked, ("?b".into(), Answer::Ignored));
            assert_eq!(rig.ask(Input::DeleteChild("b".into())).1, Answer::Done);
        }
        let asked = rig.ask(Input::StartChild(idle()));
        assert_eq!(asked, ("?b".into(), Answer::Ignored));
        assert_eq!(rig.state("b"), stopped, "{restart:?}");
        assert_eq!(rig.put(Input::Shutdown), "-c -a");
    }
}

#[test]
fn a_child_whose_restart_another_one_holds_up_can_be_started_by_hand() {
    let mut rig = Rig::begun(Strategy::OneForAll, ["a", "b", "c"].map(spec));
    rig.broken.insert("a");
    assert_eq!(rig.exit("c", crash()), "-b -a !a");
    assert_eq!(rig.state("a"), Some(ChildState::Restarting));
    assert_eq!(rig.state("c"), Some(ChildState::Stopped));
    // The restart of all was that of `a`.
    let stopped = rig.ask(Input::TerminateChild("a".into()));
    assert_eq!(stopped, (String::new(), Answer::Done));
    assert_eq!(rig.machine.poll_timeout(), None);
    for (id, done) in [("b", "+b"), ("c", "+c")] {
        assert_eq!(rig.ask(Input::RestartChild(id.into())).0, done);
    }
}
