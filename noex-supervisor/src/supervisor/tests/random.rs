//! The machine does what the model does, whatever happens, and never runs one child twice.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use noex_core::{ExitReason, Pid};
use noex_gen_server::StartError;
use proptest::prelude::*;

use super::model::{Fortune, Fortunes, Model, Plan, Spec, pid};
use super::rig::{crash, spec};
use crate::intensity::Intensity;
use crate::supervisor::child_spec::ChildSpec;
use crate::supervisor::children::ChildState;
use crate::supervisor::input::Input;
use crate::supervisor::machine::Machine;
use crate::supervisor::output::Output;
use crate::supervisor::rules::{Population, Rules};
use crate::{AutoShutdown, Restart, RestartDelay, Strategy as Restarts};

/// What happens.
#[derive(Debug, Clone)]
enum Deed {
    /// A child that runs ends, in order or not.
    Exit(Death),
    Start(Spec),
    Terminate(usize),
    Restart(usize),
    Delete(usize),
    /// From now on the starts of this child end so.
    Fortune(usize, Fortune),
    Pass(Duration),
    Shutdown,
}

/// One of the processes that run ends.
#[derive(Debug, Clone, Copy)]
struct Death {
    who: usize,
    is_orderly: bool,
}

/// What happens, and who ends before so many starts and stops are done about it.
#[derive(Debug, Clone)]
struct Step {
    deed: Deed,
    deaths: Vec<(usize, Death)>,
}

/// Children have few names, so that they meet.
fn id(number: usize) -> String {
    ["a", "b", "c", "d", "e", "f"][number % 6].to_owned()
}

fn child_spec(spec_of: &Spec) -> ChildSpec {
    let spec = spec(&spec_of.id).restart(spec_of.restart);
    match spec_of.is_significant {
        true => spec.significant(),
        false => spec,
    }
}

/// A machine, and the processes that it has started.
struct World {
    machine: Machine,
    now: Instant,
    fortunes: Fortunes,
    pids: u64,
    alive: BTreeMap<Pid, String>,
    /// The ends that the supervisor has yet to hear of.
    mail: VecDeque<(Pid, bool)>,
    deaths: Vec<(usize, Death)>,
    /// How many starts and stops there were in this step.
    acts: usize,
}

impl World {
    fn new(plan: &Plan, now: Instant) -> Self {
        let population = match plan.numbered {
            None => Population::Named,
            Some(children_max) => Population::Numbered { children_max },
        };
        let rules = Rules {
            strategy: plan.strategy,
            intensity: Intensity::new(plan.restarts_max, plan.period),
            auto_shutdown: plan.auto_shutdown,
            restart_delay: plan.delay,
            population,
        };
        Self {
            machine: Machine::new(rules),
            now,
            fortunes: Fortunes::new(),
            pids: 0,
            alive: BTreeMap::new(),
            mail: VecDeque::new(),
            deaths: Vec::new(),
            acts: 0,
        }
    }

    fn put(&mut self, input: Input) -> Vec<String> {
        self.machine.handle_input(input, self.now);
        self.perform()
    }

    fn time_out(&mut self) -> Vec<String> {
        self.machine.handle_timeout(self.now);
        self.perform()
    }

    fn perform(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            let input = match output {
                Output::Start(id) => Some(self.start(&id, &mut done)),
                Output::Stop { child, pid, .. } => {
                    self.alive.remove(&pid);
                    done.push(format!("-{child}"));
                    Some(Input::Stopped)
                }
                Output::StopAll(children) => {
                    for (pid, _) in &children {
                        self.alive.remove(pid);
                    }
                    done.push(format!("-{}", children.len()));
                    Some(Input::Stopped)
                }
                Output::Answer(answer) => {
                    done.push(format!("{answer:?}"));
                    None
                }
                Output::End(reason) => {
                    let gives_up = matches!(reason, ExitReason::ShutdownWith(_));
                    done.push(if gives_up { "gives up" } else { "is done" }.to_owned());
                    None
                }
            };
            if let Some(outcome) = input {
                self.acts += 1;
                self.let_die();
                self.machine.handle_input(outcome, self.now);
            }
        }
        done
    }

    fn start(&mut self, id: &str, done: &mut Vec<String>) -> Input {
        match self.fortunes.get(id).copied().unwrap_or_default() {
            Fortune::Fine => {
                let twin = self.alive.values().any(|other| other == id);
                assert!(!twin, "`{id}` is started while it runs");
                self.pids += 1;
                self.alive.insert(pid(self.pids), id.to_owned());
                done.push(format!("+{id}"));
                Input::Started(pid(self.pids))
            }
            Fortune::Broken => {
                done.push(format!("!{id}"));
                Input::StartFailed(StartError::Timeout)
            }
            Fortune::Idle => {
                done.push(format!("?{id}"));
                Input::StartIgnored
            }
        }
    }

    /// Those whose time has come end.
    fn let_die(&mut self) {
        let acts = self.acts;
        let due: Vec<_> = self.deaths.extract_if(.., |(at, _)| *at < acts).collect();
        for (_, death) in due {
            self.die(death);
        }
    }

    fn die(&mut self, Death { who, is_orderly }: Death) {
        let who = self
            .alive
            .keys()
            .nth(who % self.alive.len().max(1))
            .copied();
        if let Some(pid) = who {
            self.alive.remove(&pid);
            self.mail.push_back((pid, is_orderly));
        }
    }

    /// Each child: its id, its process, and whether it is to be started again.
    fn children(&self) -> Vec<(String, Option<Pid>, bool)> {
        let infos = self.machine.children().infos().into_iter();
        let tell = |info: crate::ChildInfo| {
            let is_waiting = info.state == ChildState::Restarting;
            (info.id.to_string(), info.pid, is_waiting)
        };
        infos.map(tell).collect()
    }
}

/// The machine and the model side by side.
struct Pair {
    world: World,
    model: Model,
}

impl Pair {
    fn new(plan: &Plan) -> Self {
        let now = tokio::time::Instant::now().into_std();
        Self {
            world: World::new(plan, now),
            model: Model::new(plan.clone(), now),
        }
    }

    /// Puts one thing to both.
    fn both(&mut self, input: Input, told: impl FnOnce(&mut Model)) {
        self.model.set(self.world.now, &self.world.fortunes);
        told(&mut self.model);
        let what = format!("{input:?}");
        let done = self.world.put(input);
        self.compare(&done, &what);
    }

    fn compare(&mut self, done: &[String], what: &str) {
        assert_eq!(done, self.model.done(), "what is done about {what}");
        let counts = self.world.machine.children().counts();
        if self.model.is_over {
            assert!(self.world.alive.is_empty(), "none is left behind");
            assert_eq!(counts.active, 0);
            assert_eq!(self.world.machine.poll_timeout(), None);
            return;
        }
        let children = self.model.children();
        assert_eq!(self.world.children(), children, "after {what}");
        assert_eq!(
            self.world.machine.poll_timeout(),
            self.model.next(),
            "after {what}"
        );
        let active = children.iter().filter(|(_, pid, _)| pid.is_some()).count();
        assert_eq!((counts.specs, counts.active), (children.len(), active));
        if self.world.mail.is_empty() {
            let up = children.iter().filter_map(|(_, pid, _)| *pid);
            assert!(
                self.world.alive.keys().copied().eq(sorted(up)),
                "after {what}"
            );
        }
    }

    /// The supervisor hears of whoever ended, then starts what is due.
    fn settle(&mut self) {
        while !self.model.is_over {
            if let Some((pid, is_orderly)) = self.world.mail.pop_front() {
                let reason = if is_orderly {
                    ExitReason::Normal
                } else {
                    crash()
                };
                let input = Input::Exited { pid, reason };
                self.both(input, |model| model.exit(pid, is_orderly));
            } else if self.model.next().is_some_and(|at| at <= self.world.now) {
                self.model.set(self.world.now, &self.world.fortunes);
                self.model.time_out();
                let done = self.world.time_out();
                self.compare(&done, "a restart that is due");
            } else {
                return;
            }
        }
    }

    fn take(&mut self, step: Step) {
        self.world.acts = 0;
        self.world.deaths = step.deaths;
        match step.deed {
            Deed::Exit(death) => self.world.die(death),
            Deed::Start(spec) => {
                let input = Input::StartChild(child_spec(&spec));
                self.both(input, |model| model.start_child(spec));
            }
            Deed::Terminate(number) => self.terminate(number),
            Deed::Restart(number) => {
                let id = id(number);
                let input = Input::RestartChild(id.as_str().into());
                self.both(input, |model| model.restart_child(&id));
            }
            Deed::Delete(number) => {
                let id = id(number);
                let input = Input::DeleteChild(id.as_str().into());
                self.both(input, |model| model.delete_child(&id));
            }
            Deed::Fortune(number, fortune) => {
                self.world.fortunes.insert(id(number), fortune);
                // Numbered children are told apart behind their id.
                for place in 0..50 {
                    let numbered = format!("{}.{place}", id(number));
                    self.world.fortunes.insert(numbered, fortune);
                }
            }
            Deed::Pass(time) => self.pass(time),
            Deed::Shutdown => self.both(Input::Shutdown, Model::shut_down),
        }
        self.settle();
    }

    /// By id, or by pid where children are numbered; sometimes one that is not there.
    fn terminate(&mut self, number: usize) {
        let pids = self.model.pids();
        if number.is_multiple_of(2) {
            let id = id(number / 2);
            let input = Input::TerminateChild(id.as_str().into());
            self.both(input, |model| model.terminate_child(&id));
        } else {
            let known = pids.get(number / 2).copied();
            let pid = known.unwrap_or_else(|| pid(u64::MAX));
            let input = Input::TerminatePid(pid);
            self.both(input, |model| model.terminate_pid(pid));
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now + time;
        while let Some(at) = self.model.next().filter(|at| *at <= until) {
            self.world.now = at.max(self.world.now);
            self.settle();
            if self.model.is_over {
                return;
            }
        }
        self.world.now = until;
    }
}

fn sorted(pids: impl Iterator<Item = Pid>) -> impl Iterator<Item = Pid> {
    let pids: std::collections::BTreeSet<Pid> = pids.collect();
    pids.into_iter()
}

fn run(plan: &Plan, specs: &[Spec], unlucky: Option<usize>, steps: Vec<Step>) {
    let mut pair = Pair::new(plan);
    if let Some(number) = unlucky {
        pair.world.fortunes.insert(id(number), Fortune::Broken);
    }
    let first = specs.iter().map(child_spec).collect();
    pair.both(Input::Begin(first), |model| model.begin(specs));
    for step in steps {
        if pair.model.is_over {
            return;
        }
        pair.take(step);
    }
    if !pair.model.is_over {
        pair.both(Input::Shutdown, Model::shut_down);
    }
}

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

fn plan(numbered: impl Strategy<Value = Option<usize>>) -> impl Strategy<Value = Plan> {
    let strategy = prop::sample::select(vec![
        Restarts::OneForOne,
        Restarts::OneForAll,
        Restarts::RestForOne,
    ]);
    let auto_shutdown = prop::sample::select(vec![
        AutoShutdown::Never,
        AutoShutdown::AnySignificant,
        AutoShutdown::AllSignificant,
    ]);
    let delay = prop_oneof![
        Just(RestartDelay::default()),
        (seconds(1..4), seconds(1..9)).prop_map(|(first, max)| RestartDelay { first, max }),
    ];
    let intensity = (0..8_usize, seconds(0..20));
    (strategy, auto_shutdown, intensity, delay, numbered).prop_map(
        |(strategy, auto_shutdown, (restarts_max, period), delay, numbered)| Plan {
            // Numbered children know no other.
            strategy: numbered.map_or(strategy, |_| Restarts::OneForOne),
            auto_shutdown,
            restarts_max,
            period,
            delay,
            numbered,
        },
    )
}

fn a_spec() -> impl Strategy<Value = Spec> {
    let restart = prop::sample::select(vec![
        Restart::Permanent,
        Restart::Transient,
        Restart::Temporary,
    ]);
    (0..6_usize, restart, prop::bool::weighted(0.3)).prop_map(
        |(number, restart, is_significant)| Spec {
            id: id(number),
            restart,
            is_significant,
        },
    )
}

fn death() -> impl Strategy<Value = Death> {
    (0..6_usize, any::<bool>()).prop_map(|(who, is_orderly)| Death { who, is_orderly })
}

fn step() -> impl Strategy<Value = Step> {
    let fortune = prop::sample::select(vec![Fortune::Fine, Fortune::Broken, Fortune::Idle]);
    let deed = prop_oneof![
        8 => death().prop_map(Deed::Exit),
        3 => a_spec().prop_map(Deed::Start),
        3 => (0..12_usize).prop_map(Deed::Terminate),
        3 => (0..6_usize).prop_map(Deed::Restart),
        2 => (0..6_usize).prop_map(Deed::Delete),
        4 => (0..6_usize, fortune).prop_map(|(number, fortune)| Deed::Fortune(number, fortune)),
        5 => (0..6000_u64).prop_map(|time| Deed::Pass(Duration::from_millis(time))),
        1 => Just(Deed::Shutdown),
    ];
    let deaths = prop::collection::vec((0..6_usize, death()), 0..3);
    (deed, deaths).prop_map(|(deed, deaths)| Step { deed, deaths })
}

/// The ids are told apart: two children with one id are refused at once.
fn first_specs() -> impl Strategy<Value = Vec<Spec>> {
    prop::collection::vec(a_spec(), 0..6).prop_map(|mut specs| {
        for (number, spec) in specs.iter_mut().enumerate() {
            spec.id = id(number);
        }
        specs
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_supervisor_does_what_the_model_does(
        plan in plan(Just(None)),
        specs in first_specs(),
        unlucky in prop::option::weighted(0.1, 0..6_usize),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        run(&plan, &specs, unlucky, steps);
    }

    #[test]
    fn a_dynamic_supervisor_does_what_the_model_does(
        plan in plan((0..6_usize).prop_map(Some)),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        run(&plan, &[], None, steps);
    }
}
