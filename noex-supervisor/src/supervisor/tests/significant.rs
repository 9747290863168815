//! Children whose end may be that of their supervisor.

use noex_core::ExitReason;

use super::rig::{Rig, crash, spec};
use crate::supervisor::child_spec::ChildSpec;
use crate::supervisor::input::Input;
use crate::supervisor::rules::Rules;
use crate::{AutoShutdown, Restart, Strategy};

/// `a` is ordinary, `b` and `c` are significant.
fn begun(auto_shutdown: AutoShutdown, restart: Restart, strategy: Strategy) -> Rig {
    let mut rig = Rig::with(Rules {
        strategy,
        auto_shutdown,
        ..Rules::default()
    });
    let significant = |id| -> ChildSpec { spec(id).restart(restart).significant() };
    let specs = vec![
        spec("a").restart(restart),
        significant("b"),
        significant("c"),
    ];
    assert_eq!(rig.put(Input::Begin(specs)), "+a +b +c");
    rig
}

#[test]
fn each_rule_ends_the_supervisor_after_the_children_that_it_names() {
    use AutoShutdown::{AllSignificant, AnySignificant, Never};
    use Restart::{Permanent, Temporary, Transient};
    let normal = || ExitReason::Normal;
    // What is done when `a`, `b` and `c` exit in this order, until the supervisor ends.
    let cases = [
        (Never, Transient, normal(), ["", "", ""]),
        (Never, Temporary, crash(), ["", "", ""]),
        (AnySignificant, Transient, normal(), ["", "-c", "over"]),
        (AnySignificant, Transient, crash(), ["+a", "+b", "+c"]),
        (AnySignificant, Temporary, normal(), ["", "-c", "over"]),
        (AnySignificant, Temporary, crash(), ["", "-c", "over"]),
        (AnySignificant, Permanent, normal(), ["+a", "+b", "+c"]),
        (AllSignificant, Transient, normal(), ["", "", "over"]),
        (AllSignificant, Transient, crash(), ["+a", "+b", "+c"]),
        (AllSignificant, Temporary, crash(), ["", "", "over"]),
        (AllSignificant, Permanent, crash(), ["+a", "+b", "+c"]),
    ];
    for (auto_shutdown, restart, reason, wanted) in cases {
        let mut rig = begun(auto_shutdown, restart, Strategy::OneForOne);
        for (id, wanted) in ["a", "b", "c"].into_iter().zip(wanted) {
            let case = format!("{auto_shutdown:?}, {restart:?}, {reason}, {id}");
            let done = match rig.end {
                None => rig.exit(id, reason.clone()),
                Some(_) => String::new(),
            };
            let is_over = rig.end == Some(ExitReason::Shutdown);
            assert_eq!(done, wanted.replace("over", ""), "{case}");
            assert_eq!(is_over, ["over", "-c"].contains(&wanted), "{case}");
        }
    }
}

#[test]
fn the_children_that_are_left_stop_in_reverse_order() {
    let rule = AutoShutdown::AnySignificant;
    let mut rig = begun(rule, Restart::Transient, Strategy::OneForOne);
    assert_eq!(rig.exit("b", ExitReason::Normal), "-c -a");
    assert_eq!(rig.end, Some(ExitReason::Shutdown));
}

#[test]
fn a_significant_child_that_is_stopped_by_hand_ends_nothing() {
    let rule = AutoShutdown::AnySignificant;
    let mut rig = begun(rule, Restart::Transient, Strategy::OneForOne);
    assert_eq!(rig.ask(Input::TerminateChild("b".into())).0, "-b");
    assert_eq!(rig.end, None);
    assert_eq!(rig.exit("c", ExitReason::Normal), "-a");
}

#[test]
fn a_significant_child_that_is_stopped_for_the_others_ends_nothing() {
    let rule = AutoShutdown::AnySignificant;
    let mut rig = begun(rule, Restart::Transient, Strategy::OneForAll);
    assert_eq!(rig.exit("a", crash()), "-c -b +a +b +c");
    assert_eq!(rig.end, None);
}

#[test]
fn a_significant_child_that_ends_during_other_work_ends_the_supervisor_after_it() {
    let rule = AutoShutdown::AllSignificant;
    let mut rig = begun(rule, Restart::Transient, Strategy::OneForOne);
    let [b, c] = ["b", "c"].map(|id| rig.pid(id).unwrap());
    rig.machine
        .handle_input(Input::TerminateChild("a".into()), rig.now);
    for pid in [b, c] {
        let reason = ExitReason::Normal;
        rig.machine
            .handle_input(Input::Exited { pid, reason }, rig.now);
    }
    assert_eq!(rig.perform(), "-a");
    assert_eq!(rig.end, Some(ExitReason::Shutdown));
}
