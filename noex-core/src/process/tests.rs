//! Tests of the relations of a process: every state with every input, as OTP has it.
//!
//! What is not listed here does not compile: a new kind of signal in [`covered_by`], a new reason
//! in [`fates`], a new life in [`lives`], a new field in [`State::relations`].

use std::iter::successors;
use std::sync::Arc;

use super::{Bereaved, Ended, ExitEffect, Life, Relations, Severed, Ties};
use crate::exit::{ExitReason, Panic};
use crate::id::{Creation, MonitorRef, Pid};
use crate::signal::Signal;

/// The process that is linked, watches or is watched, if any is.
const PEER: Pid = Pid::new(Creation::from_bits(2), 1);
/// One that is not related, of another node.
const STRANGER: Pid = Pid::new(Creation::from_bits(3), 1);

/// The peer's monitor of us.
const THEIRS: MonitorRef = MonitorRef::from_bits(1);
/// Our monitor of the peer.
const OURS: MonitorRef = MonitorRef::from_bits(2);
/// One that is not set.
const UNSET: MonitorRef = MonitorRef::from_bits(3);

const NAME: &str = "name";

// ---- states ----

/// One of the states that a process can be in, and how it stands with the peer.
#[derive(Debug, Clone, Copy, PartialEq)]
struct State {
    life: Life,
    traps_exits: bool,
    link: Option<Pid>,
    watcher: Option<(Pid, MonitorRef)>,
    monitor: Option<(MonitorRef, Pid)>,
    name: Option<&'static str>,
}

/// All lives, in their order.
fn lives() -> impl Iterator<Item = Life> {
    successors(Some(Life::Running), |life| match life {
        Life::Running => Some(Life::Nameless),
        Life::Nameless => Some(Life::Ended),
        Life::Ended => None,
    })
}

/// All states: who has given its names back has none, and who has ended has no relation.
fn states() -> Vec<State> {
    let mut states = Vec::new();
    for bits in 0_u8..32 {
        let is_set = |bit: u8| bits & (1 << bit) != 0;
        states.extend(lives().map(|life| State {
            life,
            traps_exits: is_set(0),
            link: is_set(1).then_some(PEER),
            watcher: is_set(2).then_some((PEER, THEIRS)),
            monitor: is_set(3).then_some((OURS, PEER)),
            name: is_set(4).then_some(NAME),
        }));
    }
    states.retain(State::is_possible);
    states
}

impl State {
    fn is_possible(&self) -> bool {
        let relations = [
            self.link.is_some(),
            self.watcher.is_some(),
            self.monitor.is_some(),
        ];
        match self.life {
            Life::Running => true,
            Life::Nameless => self.name.is_none(),
            Life::Ended => self.name.is_none() && !relations.contains(&true),
        }
    }

    fn relations(&self) -> Relations {
        let ties = Ties {
            links: self.link.into_iter().collect(),
            watchers: self.watcher.into_iter().collect(),
            monitoring: self.monitor.into_iter().collect(),
            names: self.name.into_iter().map(Arc::from).collect(),
        };
        Relations {
            ties: Some(Box::new(ties)),
            trap_exit: self.traps_exits,
            life: self.life,
        }
    }
}

/// No ties are none, whether there were any or not.
impl PartialEq for Relations {
    fn eq(&self, other: &Self) -> bool {
        let none = Ties::default();
        let ties = |relations: &Self| relations.ties.as_deref().unwrap_or(&none).clone();
        let rest = |relations: &Self| (relations.trap_exit, relations.life);
        ties(self) == ties(other) && rest(self) == rest(other)
    }
}

#[test]
fn the_dead_have_fewer_states_than_the_living() {
    let count = |life| states().iter().filter(|state| state.life == life).count();
    assert_eq!(lives().map(count).collect::<Vec<_>>(), [32, 16, 2]);
}

// ---- inputs ----

/// What can happen to a process.
#[derive(Debug, Clone, PartialEq)]
enum Input {
    Link(Pid),
    Unlink(Pid),
    WatchedBy(Pid, MonitorRef),
    UnwatchedBy(Pid, MonitorRef),
    /// A signal that came over a link, or not.
    Exit(Pid, ExitReason, Way),
    /// The end of a process that is monitored.
    Down(MonitorRef, Pid),
    /// It sets a monitor itself, on a stranger.
    Monitor,
    /// It takes one back.
    Demonitor(MonitorRef),
    TrapExit(bool),
    Name(&'static str),
    Unname(&'static str),
    /// The connection with this process's node broke.
    Sever(Pid),
    EndNames,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    OverLink,
    Direct,
}

/// Every reason, one of each.
fn reasons() -> impl Iterator<Item = ExitReason> {
    successors(Some(ExitReason::Normal), |reason| match reason {
        ExitReason::Normal => Some(ExitReason::Shutdown),
        ExitReason::Shutdown => Some(ExitReason::ShutdownWith("so".into())),
        ExitReason::ShutdownWith(_) => Some(ExitReason::Killed),
        ExitReason::Killed => Some(ExitReason::Panic(Panic::new("it broke".into(), None))),
        ExitReason::Panic(_) => Some(ExitReason::error("boom")),
        ExitReason::Error(_) => Some(ExitReason::NoProcess),
        ExitReason::NoProcess => Some(ExitReason::NoConnection),
        ExitReason::NoConnection => Some(ExitReason::NameConflict),
        ExitReason::NameConflict => None,
    })
}

/// Every input, from the peer and from a stranger, of what is set and of what is not.
fn inputs() -> Vec<Input> {
    let mut inputs = vec![
        Input::Monitor,
        Input::Name(NAME),
        Input::Name("other"),
        Input::Unname(NAME),
        Input::Unname("other"),
        Input::EndNames,
        Input::End,
    ];
    inputs.extend([false, true].map(Input::TrapExit));
    for monitor in [OURS, UNSET] {
        inputs.push(Input::Demonitor(monitor));
    }
    for pid in [PEER, STRANGER] {
        inputs.extend([Input::Link(pid), Input::Unlink(pid), Input::Sever(pid)]);
        for monitor in [THEIRS, UNSET] {
            inputs.push(Input::WatchedBy(pid, monitor));
            inputs.push(Input::UnwatchedBy(pid, monitor));
        }
        for monitor in [OURS, UNSET] {
            inputs.push(Input::Down(monitor, pid));
        }
        for way in [Way::OverLink, Way::Direct] {
            inputs.extend(reasons().map(|reason| Input::Exit(pid, reason, way)));
        }
    }
    inputs
}

/// Which input each signal is to its target's relations; none if it is for its mailbox or its node
/// alone.
fn covered_by(signal: &Signal) -> Option<Input> {
    match signal {
        Signal::Link { from } => Some(Input::Link(*from)),
        Signal::Unlink { from } => Some(Input::Unlink(*from)),
        Signal::Monitor { from, monitor } => Some(Input::WatchedBy(*from, *monitor)),
        Signal::Demonitor { from, monitor } => Some(Input::UnwatchedBy(*from, *monitor)),
        Signal::Exit {
            from,
            reason,
            linked,
        } => {
            let way = if *linked { Way::OverLink } else { Way::Direct };
            Some(Input::Exit(*from, reason.clone(), way))
        }
        Signal::Down { pid, monitor, .. } => Some(Input::Down(*monitor, *pid)),
        Signal::Message(_)
        | Signal::Stop { .. }
        | Signal::Reply { .. }
        | Signal::CallFailed { .. }
        | Signal::CallMoved { .. }
        | Signal::CallCancelled { .. }
        | Signal::Flood { .. } => None,
    }
}

#[test]
fn every_signal_that_changes_relations_is_an_input_of_the_table() {
    let (from, reason) = (PEER, ExitReason::Killed);
    let signals = [
        Signal::Link { from },
        Signal::Unlink { from },
        Signal::Monitor {
            from,
            monitor: THEIRS,
        },
        Signal::Demonitor {
            from,
            monitor: THEIRS,
        },
        Signal::Exit {
            from,
            reason: reason.clone(),
            linked: true,
        },
        Signal::Exit {
            from,
            reason: reason.clone(),
            linked: false,
        },
        Signal::Down {
            pid: PEER,
            monitor: OURS,
            reason,
        },
    ];
    for signal in signals {
        let input = covered_by(&signal).unwrap();
        assert!(inputs().contains(&input), "{input:?}");
    }
}

// ---- the table ----

/// What comes back.
#[derive(Debug, PartialEq)]
enum Outcome {
    Nothing,
    Refused,
    Effect(ExitEffect),
    /// The target of a monitor that was taken out.
    Took(Option<Pid>),
    /// Whether a `Down` was expected.
    Expected(bool),
    Names(Vec<Arc<str>>),
    Bereaved(Bereaved),
    Severed(Severed),
}

/// What becomes of the process that gets an exit signal.
#[derive(Clone, Copy)]
enum Fate {
    Goes,
    Told,
    Ends,
}

/// What an exit signal does: [over a link that is set, over one that is not, over none], to a
/// process that does not trap exits, and to one that does.
fn fates(reason: &ExitReason) -> [[Fate; 3]; 2] {
    use Fate::{Ends, Goes, Told};
    match reason {
        ExitReason::Normal => [[Goes, Goes, Goes], [Told, Goes, Told]],
        ExitReason::Killed => [[Ends, Goes, Ends], [Told, Goes, Ends]],
        ExitReason::Shutdown
        | ExitReason::ShutdownWith(_)
        | ExitReason::Panic(_)
        | ExitReason::Error(_)
        | ExitReason::NoProcess
        | ExitReason::NoConnection
        | ExitReason::NameConflict => [[Ends, Goes, Ends], [Told, Goes, Told]],
    }
}

fn exit_effect(state: State, from: Pid, reason: &ExitReason, way: Way) -> ExitEffect {
    let column = match way {
        Way::OverLink if state.link == Some(from) => 0,
        Way::OverLink => 1,
        Way::Direct => 2,
    };
    match fates(reason)[usize::from(state.traps_exits)][column] {
        Fate::Goes => ExitEffect::None,
        Fate::Told => ExitEffect::Tell,
        Fate::Ends => ExitEffect::End(reason.clone()),
    }
}

/// The row of the table for this state and input: what comes back, and what is so afterwards.
fn expected(state: State, input: &Input) -> (Outcome, Relations) {
    let mut after = state.relations();
    match input {
        // Who has ended takes no new relation; only the running have names.
        Input::Link(_) | Input::WatchedBy(..) | Input::Monitor if state.life == Life::Ended => {
            return (Outcome::Refused, after);
        }
        Input::Name(_) if state.life != Life::Running => return (Outcome::Refused, after),
        Input::Name(name) => after.make_ties().names.push((*name).into()),
        // Two links are one.
        Input::Link(pid) => drop(after.make_ties().links.insert(*pid)),
        Input::WatchedBy(pid, monitor) => drop(after.make_ties().watchers.insert((*pid, *monitor))),
        Input::Monitor => drop(after.make_ties().monitoring.insert(UNSET, STRANGER)),
        Input::TrapExit(trap) => after.trap_exit = *trap,
        // What is not set can be taken back, and nothing comes of it.
        Input::Unlink(pid) => drop(after.make_ties().links.remove(pid)),
        Input::UnwatchedBy(pid, monitor) => {
            after.make_ties().watchers.remove(&(*pid, *monitor));
        }
        Input::Unname(name) => after.make_ties().names.retain(|held| **held != **name),
        Input::Demonitor(monitor) => {
            let target = after.make_ties().monitoring.remove(monitor);
            return (Outcome::Took(target), after);
        }
        // A monitor fires once, and for its own target alone.
        Input::Down(monitor, pid) => {
            let is_expected = state.monitor == Some((*monitor, *pid));
            after.make_ties().monitoring.retain(|_, _| !is_expected);
            return (Outcome::Expected(is_expected), after);
        }
        // A link is over when its signal has come, whatever that does.
        Input::Exit(from, reason, way) => {
            after
                .make_ties()
                .links
                .retain(|pid| *way == Way::Direct || pid != from);
            let effect = exit_effect(state, *from, reason, *way);
            return (Outcome::Effect(effect), after);
        }
        Input::Sever(pid) => return severed(state, *pid),
        Input::EndNames => return names_ended(state),
        Input::End => return ended(state),
    }
    (Outcome::Nothing, after)
}

/// Who watches from there is not told, and the links are ended by the exit signals that follow.
fn severed(state: State, lost: Pid) -> (Outcome, Relations) {
    let mut after = state.relations();
    if lost != PEER {
        return (Outcome::Severed(Severed::default()), after);
    }
    after.make_ties().watchers.clear();
    after.make_ties().monitoring.clear();
    let severed = Severed {
        links: state.link.into_iter().collect(),
        monitors: state.monitor.into_iter().collect(),
    };
    (Outcome::Severed(severed), after)
}

/// A life that is over stays over.
fn names_ended(state: State) -> (Outcome, Relations) {
    let mut after = state.relations();
    let names = std::mem::take(&mut after.make_ties().names);
    after.life = match state.life {
        Life::Running | Life::Nameless => Life::Nameless,
        Life::Ended => Life::Ended,
    };
    (Outcome::Names(names), after)
}

/// Everybody is told once.
fn ended(state: State) -> (Outcome, Relations) {
    let after = State {
        link: None,
        watcher: None,
        monitor: None,
        life: Life::Ended,
        ..state
    };
    let after = after.relations();
    let bereaved = Bereaved {
        links: state.link.into_iter().collect(),
        watchers: state.watcher.into_iter().collect(),
        monitoring: state.monitor.into_iter().collect(),
    };
    (Outcome::Bereaved(bereaved), after)
}

fn apply(relations: &mut Relations, input: &Input) -> Outcome {
    let taken = |taken: Result<(), Ended>| match taken {
        Ok(()) => Outcome::Nothing,
        Err(Ended) => Outcome::Refused,
    };
    match input {
        Input::Link(pid) => return taken(relations.link(*pid)),
        Input::WatchedBy(pid, monitor) => return taken(relations.watched_by(*pid, *monitor)),
        Input::Name(name) => return taken(relations.name((*name).into())),
        Input::Unlink(pid) => relations.unlink(*pid),
        Input::UnwatchedBy(pid, monitor) => relations.unwatched_by(*pid, *monitor),
        Input::Unname(name) => relations.unname(name),
        Input::Monitor => return taken(relations.monitor(UNSET, STRANGER)),
        Input::TrapExit(trap) => relations.trap_exit(*trap),
        Input::Demonitor(monitor) => return Outcome::Took(relations.take_monitor(*monitor)),
        Input::Down(monitor, pid) => {
            return Outcome::Expected(relations.settle_monitor(*monitor, *pid));
        }
        Input::Exit(from, reason, way) => {
            let linked = *way == Way::OverLink;
            return Outcome::Effect(relations.handle_exit(*from, reason.clone(), linked));
        }
        Input::Sever(pid) => return Outcome::Severed(relations.sever(pid.creation())),
        Input::EndNames => return Outcome::Names(relations.end_names()),
        Input::End => return Outcome::Bereaved(relations.end()),
    }
    Outcome::Nothing
}

#[test]
fn every_input_does_in_every_state_what_otp_says() {
    let mut rows = 0;
    for state in states() {
        for input in inputs() {
            let mut relations = state.relations();
            let outcome = apply(&mut relations, &input);
            let case = format!("{input:?} in {state:?}");
            assert_eq!((outcome, relations), expected(state, &input), "{case}");
            rows += 1;
        }
    }
    assert_eq!(rows, 50 * inputs().len());
}

#[test]
fn every_state_is_reached_from_a_new_process() {
    for state in states() {
        let mut relations = Relations::default();
        relations.trap_exit(state.traps_exits);
        if let Some(pid) = state.link {
            relations.link(pid).unwrap();
        }
        if let Some((pid, monitor)) = state.watcher {
            relations.watched_by(pid, monitor).unwrap();
        }
        if let Some((monitor, pid)) = state.monitor {
            relations.monitor(monitor, pid).unwrap();
        }
        if let Some(name) = state.name {
            relations.name(name.into()).unwrap();
        }
        for life in lives().take_while(|life| *life != state.life) {
            match life {
                Life::Running => drop(relations.end_names()),
                Life::Nameless | Life::Ended => drop(relations.end()),
            }
        }
        assert_eq!(relations, state.relations());
    }
}

#[test]
fn each_input_is_in_the_table_once() {
    let inputs = inputs();
    for (place, input) in inputs.iter().enumerate() {
        assert!(!inputs[..place].contains(input), "{input:?}");
    }
}

// ---- what a table of single steps does not show ----

#[test]
fn two_links_are_one() {
    let mut relations = Relations::default();
    relations.link(PEER).unwrap();
    relations.link(PEER).unwrap();
    relations.unlink(PEER);
    let effect = relations.handle_exit(PEER, ExitReason::Shutdown, true);
    assert_eq!(effect, ExitEffect::None);
}

#[test]
fn several_monitors_of_one_process_are_several() {
    let mut relations = Relations::default();
    for monitor in [OURS, UNSET] {
        relations.monitor(monitor, PEER).unwrap();
    }
    assert!(relations.settle_monitor(OURS, PEER));
    assert!(!relations.settle_monitor(OURS, PEER));
    assert!(relations.settle_monitor(UNSET, PEER));
}

#[test]
fn names_are_given_back_before_anybody_is_told() {
    let mut relations = Relations::default();
    relations.name(NAME.into()).unwrap();
    assert_eq!(relations.end_names(), [NAME.into()]);
    assert_eq!(relations.name("other".into()), Err(Ended));
    relations.watched_by(PEER, THEIRS).unwrap();
    assert_eq!(relations.end().watchers, [(PEER, THEIRS)]);
}

#[test]
fn a_lost_node_severs_only_what_crosses_to_it() {
    let mut relations = Relations::default();
    for (pid, monitor) in [(PEER, OURS), (STRANGER, UNSET)] {
        relations.link(pid).unwrap();
        relations.watched_by(pid, THEIRS).unwrap();
        relations.monitor(monitor, pid).unwrap();
    }
    let severed = relations.sever(STRANGER.creation());
    let (links, monitors) = (vec![STRANGER], vec![(UNSET, STRANGER)]);
    assert_eq!(severed, Severed { links, monitors });
    let left = Bereaved {
        links: vec![PEER, STRANGER],
        watchers: vec![(PEER, THEIRS)],
        monitoring: vec![(OURS, PEER)],
    };
    assert_eq!(relations.end(), left);
}
