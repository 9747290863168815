//! Children that are many of a kind.

use noex_core::ExitReason;

use super::rig::{Rig, crash, spec};
use crate::Restart;
use crate::supervisor::answer::Answer;
use crate::supervisor::input::Input;
use crate::supervisor::rules::{Population, Rules};

fn numbered(children_max: usize) -> Rig {
    let mut rig = Rig::with(Rules {
        population: Population::Numbered { children_max },
        ..Rules::default()
    });
    assert_eq!(rig.put(Input::Begin(Vec::new())), "");
    rig
}

#[test]
fn numbered_children_share_a_specification_and_stop_together() {
    let mut rig = numbered(usize::MAX);
    for done in ["+a.0", "+a.1", "+a.2"] {
        assert_eq!(rig.ask(Input::StartChild(spec("a"))).0, done);
    }
    assert_eq!(rig.exit("a.1", crash()), "+a.1");
    assert_eq!(rig.put(Input::Shutdown), "-3");
    assert_eq!(rig.end, Some(ExitReason::Shutdown));
}

#[test]
fn a_numbered_child_that_is_over_goes_and_leaves_room() {
    let mut rig = numbered(1);
    let transient = || spec("a").restart(Restart::Transient);
    assert_eq!(rig.ask(Input::StartChild(transient())).0, "+a.0");
    let refused = rig.ask(Input::StartChild(transient()));
    assert_eq!(refused, (String::new(), Answer::Full(1)));
    assert_eq!(rig.exit("a.0", ExitReason::Normal), "");
    assert_eq!(rig.state("a.0"), None);
    assert_eq!(rig.ask(Input::StartChild(transient())).0, "+a.1");
    let pid = rig.pid("a.1").unwrap();
    let stopped = rig.ask(Input::TerminatePid(pid));
    assert_eq!(stopped, ("-a.1".into(), Answer::Done));
    assert_eq!(rig.ask(Input::TerminatePid(pid)).1, Answer::NotFound);
    assert_eq!(rig.machine.children().counts().specs, 0);
}

#[test]
fn a_numbered_child_that_waits_for_its_restart_is_stopped_by_its_former_pid() {
    let mut rig = numbered(1);
    assert_eq!(rig.ask(Input::StartChild(spec("a"))).0, "+a.0");
    let pid = rig.pid("a.0").unwrap();
    rig.broken.insert("a.0");
    assert_eq!(rig.exit("a.0", crash()), "!a.0");
    assert_eq!(rig.machine.children().counts().active, 0);
    let stopped = rig.ask(Input::TerminatePid(pid));
    assert_eq!(stopped, (String::new(), Answer::Done));
    assert_eq!(rig.machine.poll_timeout(), None);
    assert_eq!(rig.state("a.0"), None);
}

#[test]
fn a_numbered_child_that_has_nothing_to_do_is_not_added() {
    let mut rig = numbered(1);
    rig.idle.insert("a.0");
    let asked = rig.ask(Input::StartChild(spec("a")));
    assert_eq!(asked, ("?a.0".into(), Answer::Ignored));
    assert_eq!(rig.ask(Input::StartChild(spec("a"))).0, "+a.1");
}
