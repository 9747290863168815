//! Pure: `Model`, what a supervisor is to do, said as plainly as can be: one child after the other,
//! in a list that is searched from its beginning. Nothing of it is taken from the machine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use noex_core::{Creation, Pid};
use noex_gen_server::StartError;

use crate::supervisor::answer::Answer;
use crate::{AutoShutdown, Restart, RestartDelay, Strategy};

/// What comes of a child's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Fortune {
    #[default]
    Fine,
    Broken,
    Idle,
}

/// What comes of the starts of each child.
pub(super) type Fortunes = BTreeMap<String, Fortune>;

/// What a supervisor is told to be.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) strategy: Strategy,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) restarts_max: usize,
    pub(super) period: Duration,
    pub(super) delay: RestartDelay,
    /// How many children it has at most, if they are numbered.
    pub(super) numbered: Option<usize>,
}

/// What a child is told to be.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) id: String,
    pub(super) restart: Restart,
    pub(super) is_significant: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Life {
    Up(Pid),
    /// To be started again; nobody knows when while that is being tried.
    Waiting {
        was: Option<Pid>,
        at: Option<Instant>,
    },
    Down,
}

#[derive(Debug, Clone)]
struct Child {
    spec: Spec,
    life: Life,
    /// When it was started, until that has been counted for its wait.
    started: Option<Instant>,
    waits: u32,
}

#[derive(Debug)]
pub(super) struct Model {
    plan: Plan,
    children: Vec<Child>,
    fortunes: Fortunes,
    /// When each restart was, from the first on.
    restarts: Vec<Instant>,
    pids: u64,
    added: u64,
    now: Instant,
    /// What it does about what happened last.
    done: Vec<String>,
    pub(super) is_over: bool,
}

impl Model {
    pub(super) fn new(plan: Plan, now: Instant) -> Self {
        Self {
            plan,
            children: Vec::new(),
            fortunes: Fortunes::new(),
            restarts: Vec::new(),
            pids: 0,
            added: 0,
            now,
            done: Vec::new(),
            is_over: false,
        }
    }

    /// From now on it is this late, and starts end so.
    pub(super) fn set(&mut self, now: Instant, fortunes: &Fortunes) {
        self.now = now;
        self.fortunes.clone_from(fortunes);
    }

    /// What it has done since this was asked last.
    pub(super) fn done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    /// Each child: its id, its process, and whether it is to be started again.
    pub(super) fn children(&self) -> Vec<(String, Option<Pid>, bool)> {
        let tell = |child: &Child| {
            let is_waiting = matches!(child.life, Life::Waiting { .. });
            (child.spec.id.clone(), child.pid(), is_waiting)
        };
        self.children.iter().map(tell).collect()
    }

    /// Each process that a child runs as, or ran as before the restart that is to come.
    pub(super) fn pids(&self) -> Vec<Pid> {
        let known = self.children.iter().filter_map(Child::known_pid);
        known.collect()
    }

    /// When it next starts a child again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.children.iter().filter_map(Child::due).min()
    }

    pub(super) fn begin(&mut self, specs: &[Spec]) {
        for spec in specs {
            self.add(spec.clone());
            if self.start(&spec.id) == Fortune::Broken {
                return self.end("gives up");
            }
        }
    }

    pub(super) fn exit(&mut self, pid: Pid, is_orderly: bool) {
        let Some(child) = self.children.iter().find(|child| child.pid() == Some(pid)) else {
            return;
        };
        let Spec {
            id,
            restart,
            is_significant,
        } = child.spec.clone();
        let is_over = match restart {
            Restart::Permanent => false,
            Restart::Transient => is_orderly,
            Restart::Temporary => true,
        };
        if !is_over {
            let was = Some(pid);
            self.child(&id).life = Life::Waiting { was, at: None };
            if self.plan.delay.first.is_zero() {
                self.restart(&id);
            } else {
                self.wait(&id);
            }
            return;
        }
        self.put_down(&id);
        let matters = |child: &Child| child.spec.is_significant && child.life != Life::Down;
        let others = self.children.iter().any(matters);
        let ends = match self.plan.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => is_significant,
            AutoShutdown::AllSignificant => is_significant && !others,
        };
        if ends {
            self.end("is done");
        }
    }

    /// The time of a restart has come.
    pub(super) fn time_out(&mut self) {
        let waiting = self.children.iter().filter(|child| child.due().is_some());
        let first = waiting.min_by_key(|child| (child.due(), child.spec.id.clone()));
        let id = first.map(|child| child.spec.id.clone());
        self.restart(&id.expect("a child waits for its restart"));
    }

    pub(super) fn start_child(&mut self, mut spec: Spec) {
        let known = self.children.iter().find(|child| child.spec.id == spec.id);
        let refusal = match (self.plan.numbered, known.map(|child| &child.life)) {
            (Some(max), _) if self.children.len() >= max => Some(Answer::Full(max)),
            (Some(_), _) | (None, None) => None,
            (None, Some(Life::Up(pid))) => Some(Answer::Running(*pid)),
            (None, Some(_)) => Some(Answer::Present),
        };
        if let Some(refusal) = refusal {
            return self.answer(&refusal);
        }
        if self.plan.numbered.is_some() {
            spec.id = format!("{}.{}", spec.id, self.added);
        }
        let id = spec.id.clone();
        self.add(spec);
        if self.start_for_somebody(&id) == Fortune::Broken {
            self.children.retain(|child| child.spec.id != id);
        }
    }

    pub(super) fn restart_child(&mut self, id: &str) {
        match self.why_not_down(id) {
            Some(refusal) => self.answer(&refusal),
            None => drop(self.start_for_somebody(id)),
        }
    }

    pub(super) fn delete_child(&mut self, id: &str) {
        let refusal = self.why_not_down(id);
        if refusal.is_none() {
            self.children.retain(|child| child.spec.id != id);
        }
        self.answer(&refusal.unwrap_or(Answer::Done));
    }

    pub(super) fn terminate_child(&mut self, id: &str) {
        if !self.children.iter().any(|child| child.spec.id == id) {
            return self.answer(&Answer::NotFound);
        }
        if self.child(id).pid().is_some() {
            self.done.push(format!("-{id}"));
        }
        self.put_down(id);
        self.answer(&Answer::Done);
    }

    pub(super) fn terminate_pid(&mut self, pid: Pid) {
        let known = |child: &&Child| child.known_pid() == Some(pid);
        match self.children.iter().find(known) {
            None => self.answer(&Answer::NotFound),
            Some(child) => self.terminate_child(&child.spec.id.clone()),
        }
    }

    pub(super) fn shut_down(&mut self) {
        self.end("is done");
    }

    fn answer(&mut self, answer: &Answer) {
        self.done.push(format!("{answer:?}"));
    }

    fn child(&mut self, id: &str) -> &mut Child {
        let child = self.children.iter_mut().find(|child| child.spec.id == id);
        child.expect("the model speaks of children that it has")
    }

    fn why_not_down(&self, id: &str) -> Option<Answer> {
        let child = self.children.iter().find(|child| child.spec.id == id);
        match child.map(|child| &child.life) {
            None => Some(Answer::NotFound),
            Some(Life::Up(pid)) => Some(Answer::Running(*pid)),
            Some(Life::Waiting { .. }) => Some(Answer::Restarting),
            Some(Life::Down) => None,
        }
    }

    fn add(&mut self, spec: Spec) {
        self.added += 1;
        self.children.push(Child {
            spec,
            life: Life::Down,
            started: None,
            waits: 0,
        });
    }

    /// The child has ended for good, or was stopped by hand.
    fn put_down(&mut self, id: &str) {
        let is_kept = self.plan.numbered.is_none();
        let child = self.child(id);
        child.life = Life::Down;
        child.waits = 0;
        if !is_kept || child.spec.restart == Restart::Temporary {
            self.children.retain(|child| child.spec.id != id);
        }
    }

    fn start(&mut self, id: &str) -> Fortune {
        let fortune = self.fortunes.get(id).copied().unwrap_or_default();
        match fortune {
            Fortune::Fine => {
                self.pids += 1;
                let (now, pid) = (self.now, pid(self.pids));
                let child = self.child(id);
                child.life = Life::Up(pid);
                child.started = Some(now);
                self.done.push(format!("+{id}"));
            }
            Fortune::Broken => self.done.push(format!("!{id}")),
            Fortune::Idle => {
                self.put_down(id);
                self.done.push(format!("?{id}"));
            }
        }
        fortune
    }

    fn start_for_somebody(&mut self, id: &str) -> Fortune {
        let fortune = self.start(id);
        self.answer(&match fortune {
            Fortune::Fine => Answer::Started(pid(self.pids)),
            Fortune::Broken => Answer::Failed(StartError::Timeout),
            Fortune::Idle => Answer::Ignored,
        });
        fortune
    }

    /// Starts the child again, and those that its strategy says: the ones that run stop first.
    fn restart(&mut self, id: &str) {
        let (now, period) = (self.now, self.plan.period);
        let recent = |then: &&Instant| now.duration_since(**then) <= period;
        if self.restarts.iter().filter(recent).count() >= self.plan.restarts_max {
            return self.end("gives up");
        }
        self.restarts.push(now);
        let place = self.children.iter().position(|child| child.spec.id == id);
        let place = place.expect("a child that is there");
        let range = match self.plan.strategy {
            Strategy::OneForOne => place..place + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => place..self.children.len(),
        };
        let affected = self.children[range].iter();
        let ids: Vec<String> = affected.map(|child| child.spec.id.clone()).collect();
        for other in ids.iter().rev() {
            if self.child(other).pid().is_some() {
                self.done.push(format!("-{other}"));
                self.child(other).life = Life::Down;
            }
        }
        let is_gone =
            |child: &Child| child.spec.restart == Restart::Temporary && child.life == Life::Down;
        self.children
            .retain(|child| !is_gone(child) || !ids.contains(&child.spec.id));
        for other in &ids {
            let is_there = self.children.iter().any(|child| child.spec.id == *other);
            if is_there && self.start(other) == Fortune::Broken {
                // The restart is now that of the child that did not start.
                if other != id && self.child(id).pid().is_none() {
                    self.child(id).life = Life::Down;
                }
                return self.wait(other);
            }
        }
    }

    /// The child is to be started again, after its time.
    fn wait(&mut self, id: &str) {
        let (now, delay) = (self.now, self.plan.delay);
        let child = self.child(id);
        if let Some(then) = child.started.take()
            && now - then >= delay.max
        {
            child.waits = 0;
        }
        let doubled = (0..child.waits).fold(delay.first, |wait, _| wait.min(delay.max) * 2);
        child.waits += 1;
        let was = child.known_pid();
        let at = Some(now + doubled.min(delay.max));
        child.life = Life::Waiting { was, at };
    }

    fn end(&mut self, how: &str) {
        let up = self.children.iter().filter(|child| child.pid().is_some());
        let up: Vec<String> = up.rev().map(|child| child.spec.id.clone()).collect();
        match self.plan.numbered {
            Some(_) => self.done.push(format!("-{}", up.len())),
            None => self.done.extend(up.iter().map(|id| format!("-{id}"))),
        }
        self.done.push(how.to_owned());
        self.is_over = true;
    }
}

impl Child {
    fn pid(&self) -> Option<Pid> {
        match self.life {
            Life::Up(pid) => Some(pid),
            Life::Waiting { .. } | Life::Down => None,
        }
    }

    fn known_pid(&self) -> Option<Pid> {
        match self.life {
            Life::Up(pid) => Some(pid),
            Life::Waiting { was, .. } => was,
            Life::Down => None,
        }
    }

    fn due(&self) -> Option<Instant> {
        match self.life {
            Life::Waiting { at, .. } => at,
            Life::Up(_) | Life::Down => None,
        }
    }
}

/// The process that is started as the `number`th.
pub(super) fn pid(number: u64) -> Pid {
    Pid::new(Creation::from_bits(1), number)
}
