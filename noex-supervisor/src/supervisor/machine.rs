//! Pure: which children stop and start when one of them exits, or when somebody asks.
//!
//! The rules are those of OTP's `supervisor`. We depart from it in one point: a supervisor that
//! gives up says in its reason which child it gave up on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use noex_core::{ExitReason, Pid};
use noex_gen_server::StartError;

use super::answer::Answer;
use super::child_spec::{ChildId, ChildSpec};
use super::children::{Child, ChildState, Children};
use super::due::Due;
use super::input::Input;
use super::output::Output;
use super::rules::{Population, Rules};
use super::work::{Question, Step, Work};
use crate::{Restart, Strategy};

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) rules: Rules,
    pub(super) children: Children,
    pub(super) work: Work,
    pub(super) steps: VecDeque<Step>,
    in_flight: Option<Step>,
    due: Due,
    pub(super) outputs: VecDeque<Output>,
    /// Its significant children have ended: it ends after what is under way.
    is_done: bool,
}

impl Machine {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            children: Children::default(),
            work: Work::Idle,
            steps: VecDeque::new(),
            in_flight: None,
            due: Due::default(),
            outputs: VecDeque::new(),
            is_done: false,
        }
    }

    pub(super) fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
            Input::Begin(specs) => self.begin(specs),
            Input::Started(pid) => self.started(pid, now),
            Input::StartIgnored => self.start_ignored(),
            Input::StartFailed(error) => self.start_failed(error, now),
            Input::Stopped => self.stopped(),
            Input::Exited { pid, reason } => self.exited(pid, &reason, now),
            Input::StartChild(spec) => self.start_child(spec),
            Input::TerminateChild(id) => self.terminate_child(id),
            Input::TerminatePid(pid) => self.terminate_pid(pid),
            Input::RestartChild(id) => self.restart_child(id),
            Input::DeleteChild(id) => self.delete_child(&id),
            Input::Shutdown => self.end(ExitReason::Shutdown),
        }
    }

    /// Tries the next restart that is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.work != Work::Idle {
            return;
        }
        if let Some(id) = self.due.pop(now) {
            self.restart(&id, now);
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            if self.in_flight.is_some() {
                return None;
            }
            let Some(step) = self.steps.pop_front() else {
                if self.finish() {
                    continue;
                }
                return None;
            };
            let output = match &step {
                Step::Start(id) => Some(Output::Start(Arc::clone(id))),
                Step::Stop(id) => self.stop_output(id),
                Step::StopAll => Some(self.stop_all_output()),
            };
            if output.is_some() {
                self.in_flight = Some(step);
                return output;
            }
        }
    }

    /// When the next restart is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.next().filter(|_| self.work == Work::Idle)
    }

    pub(super) const fn children(&self) -> &Children {
        &self.children
    }

    pub(super) fn state(&self, id: &str) -> Option<ChildState> {
        self.children.find(id).map(|child| child.state)
    }

    fn begin(&mut self, specs: Vec<ChildSpec>) {
        self.work = Work::Beginning;
        for spec in specs {
            let id = Arc::clone(&spec.id);
            if !self.children.add(spec) {
                let text = format!("two children have the id `{id}`");
                return self.end(ExitReason::error(text));
            }
            self.steps.push_back(Step::Start(id));
        }
    }

    fn started(&mut self, pid: Pid, now: Instant) {
        let Some(Step::Start(id)) = self.in_flight.take() else {
            return;
        };
        self.due.remove(&id);
        if let Some(child) = self.children.find_mut(&id) {
            child.started = Some(now);
        }
        self.children.set_state(&id, ChildState::Running(pid));
        match self.work {
            Work::Asked(_) => {
                self.work = Work::Idle;
                self.outputs.push_back(Output::Answer(Answer::Started(pid)));
            }
            Work::Ending(_) => self.steps.push_front(Step::Stop(id)),
            Work::Idle | Work::Beginning | Work::Restarting(_) | Work::Over => {}
        }
    }

    fn start_ignored(&mut self) {
        let Some(Step::Start(id)) = self.in_flight.take() else {
            return;
        };
        self.child_is_over(&id);
        if let Work::Asked(_) = self.work {
            self.work = Work::Idle;
            self.outputs.push_back(Output::Answer(Answer::Ignored));
        }
    }

    fn start_failed(&mut self, error: StartError, now: Instant) {
        let Some(Step::Start(id)) = self.in_flight.take() else {
            return;
        };
        match &self.work {
            Work::Beginning => {
                let text = format!("child `{id}` did not start: {error}");
                self.end(ExitReason::ShutdownWith(text.into()));
            }
            Work::Restarting(first) => {
                let first = Arc::clone(first);
                if first != id && self.state(&first) == Some(ChildState::Restarting) {
                    // From now on the restart of all is that of the child that did not start.
                    self.children.set_state(&first, ChildState::Stopped);
                }
                self.steps.clear();
                self.work = Work::Idle;
                self.postpone(id, now);
            }
            Work::Asked(question) => {
                if *question == Question::Start {
                    self.children.remove(&id);
                }
                self.work = Work::Idle;
                self.outputs
                    .push_back(Output::Answer(Answer::Failed(error)));
            }
            Work::Idle | Work::Ending(_) | Work::Over => {}
        }
    }

    fn stopped(&mut self) {
        match self.in_flight.take() {
            Some(Step::Stop(id)) => self.child_has_stopped(&id),
            Some(Step::StopAll) => self.children = Children::default(),
            Some(Step::Start(_)) | None => {}
        }
    }

    fn exited(&mut self, pid: Pid, reason: &ExitReason, now: Instant) {
        let Some(child) = self.children.running_as(pid) else {
            return;
        };
        let id = Arc::clone(&child.spec.id);
        if self.in_flight == Some(Step::Stop(Arc::clone(&id))) {
            return;
        }
        if !child.spec.restart.applies_to(reason) {
            let is_significant = child.spec.is_significant;
            self.child_is_over(&id);
            let auto_shutdown = self.rules.auto_shutdown;
            self.is_done |= is_significant && auto_shutdown.is_due(self.children.significant());
            return;
        }
        if self.work == Work::Idle && self.rules.restart_delay.first.is_zero() {
            self.children.set_state(&id, ChildState::Restarting);
            self.restart(&id, now);
        } else {
            self.postpone(id, now);
        }
    }

    /// A child was stopped: for the sake of others, or for good.
    fn child_has_stopped(&mut self, id: &ChildId) {
        if let Work::Restarting(_) = self.work {
            self.take_down(id);
        } else {
            self.child_is_over(id);
        }
    }

    /// A child ended and is not to be started again.
    fn child_is_over(&mut self, id: &ChildId) {
        self.take_down(id);
        if let Some(child) = self.children.find_mut(id) {
            child.begin_anew();
        }
    }

    fn take_down(&mut self, id: &ChildId) {
        self.due.remove(id);
        let child = self.children.find(id);
        let is_temporary = child.is_some_and(|child| child.spec.restart == Restart::Temporary);
        match self.rules.population {
            Population::Named if !is_temporary => {
                self.children.set_state(id, ChildState::Stopped);
            }
            Population::Named | Population::Numbered { .. } => self.children.remove(id),
        }
    }

    /// A restart that can't be done now, or failed, or has to wait, comes behind what is due
    /// before it.
    fn postpone(&mut self, id: ChildId, now: Instant) {
        self.children.set_state(&id, ChildState::Restarting);
        let Some(child) = self.children.find_mut(&id) else {
            return;
        };
        let wait = child.wait(self.rules.restart_delay, now);
        // A time that the clock can't tell never comes.
        if let Some(at) = now.checked_add(wait) {
            self.due.set(id, at);
        }
    }

    fn restart(&mut self, id: &str, now: Instant) {
        if !self.rules.intensity.admit(now) {
            let text = format!("restarts of child `{id}` and others came too often");
            return self.end(ExitReason::ShutdownWith(text.into()));
        }
        let affected: Vec<&Child> = match self.rules.strategy {
            Strategy::OneForOne => self.children.find(id).into_iter().collect(),
            Strategy::OneForAll => self.children.iter().collect(),
            Strategy::RestForOne => self.children.since(id).collect(),
        };
        let id_of = |child: &&Child| Arc::clone(&child.spec.id);
        let running = |child: &&&Child| child.state.pid().is_some();
        let lasting = |child: &&&Child| child.spec.restart != Restart::Temporary;
        let stops = affected.iter().rev().filter(running).map(id_of);
        let starts = affected.iter().filter(lasting).map(id_of);
        self.steps = stops
            .map(Step::Stop)
            .chain(starts.map(Step::Start))
            .collect();
        self.work = Work::Restarting(id.into());
    }

    /// Stops all children, then ends.
    fn end(&mut self, reason: ExitReason) {
        let running = self.children.iter().rev();
        let running = running.filter(|child| child.state.pid().is_some());
        self.steps = match self.rules.population {
            Population::Named => running
                .map(|child| Step::Stop(Arc::clone(&child.spec.id)))
                .collect(),
            Population::Numbered { .. } => [Step::StopAll].into(),
        };
        self.due.clear();
        self.work = Work::Ending(reason);
    }

    /// A child that ended meanwhile needs no stop.
    fn stop_output(&mut self, id: &ChildId) -> Option<Output> {
        let child = self.children.find(id)?;
        let Some(pid) = child.state.pid() else {
            self.child_has_stopped(id);
            return None;
        };
        Some(Output::Stop {
            child: Arc::clone(id),
            pid,
            shutdown: child.spec.shutdown,
        })
    }

    fn stop_all_output(&self) -> Output {
        let running = self.children.iter().rev();
        let running = running.filter_map(|child| Some((child.state.pid()?, child.spec.shutdown)));
        Output::StopAll(running.collect())
    }

    /// No step is left. Whether there is something to do still.
    fn finish(&mut self) -> bool {
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Idle | Work::Beginning | Work::Restarting(_) => {
                if self.is_done {
                    self.is_done = false;
                    self.end(ExitReason::Shutdown);
                    return true;
                }
                false
            }
            Work::Asked(_) => {
                self.outputs.push_back(Output::Answer(Answer::Done));
                true
            }
            Work::Ending(reason) => {
                self.work = Work::Over;
                self.outputs.push_back(Output::End(reason));
                true
            }
            Work::Over => {
                self.work = Work::Over;
                false
            }
        }
    }
}
