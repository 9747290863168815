//! Pure: what somebody asks the machine of a supervisor to do with one child.

use std::sync::Arc;

use noex_core::Pid;

use super::answer::Answer;
use super::child_spec::{ChildId, ChildSpec};
use super::children::ChildState;
use super::machine::Machine;
use super::output::Output;
use super::rules::Population;
use super::work::{Question, Step, Work};

impl Machine {
    pub(super) fn start_child(&mut self, spec: ChildSpec) {
        if self.work != Work::Idle {
            return;
        }
        let added = match self.rules.population {
            Population::Named => self.add_named(spec),
            Population::Numbered { children_max } if self.children.len() >= children_max => {
                Err(Answer::Full(children_max))
            }
            Population::Numbered { .. } => Ok(self.children.add_numbered(spec)),
        };
        match added {
            Ok(id) => self.ask(Question::Start, Step::Start(id)),
            Err(answer) => self.outputs.push_back(Output::Answer(answer)),
        }
    }

    fn add_named(&mut self, spec: ChildSpec) -> Result<ChildId, Answer> {
        let id = Arc::clone(&spec.id);
        match self.state(&id) {
            Some(ChildState::Running(pid)) => return Err(Answer::Running(pid)),
            Some(ChildState::Restarting | ChildState::Stopped) => return Err(Answer::Present),
            None => self.children.add(spec),
        };
        Ok(id)
    }

    pub(super) fn terminate_pid(&mut self, pid: Pid) {
        match self.children.known_as(pid) {
            None => self.outputs.push_back(Output::Answer(Answer::NotFound)),
            Some(child) => {
                let id = Arc::clone(&child.spec.id);
                self.ask(Question::Terminate, Step::Stop(id));
            }
        }
    }

    pub(super) fn terminate_child(&mut self, id: ChildId) {
        match self.children.find(&id) {
            None => self.outputs.push_back(Output::Answer(Answer::NotFound)),
            Some(_) => self.ask(Question::Terminate, Step::Stop(id)),
        }
    }

    pub(super) fn restart_child(&mut self, id: ChildId) {
        match self.why_not_stopped(&id) {
            Some(answer) => self.outputs.push_back(Output::Answer(answer)),
            None => self.ask(Question::Restart, Step::Start(id)),
        }
    }

    pub(super) fn delete_child(&mut self, id: &str) {
        let answer = self.why_not_stopped(id).unwrap_or_else(|| {
            self.children.remove(id);
            Answer::Done
        });
        self.outputs.push_back(Output::Answer(answer));
    }

    fn why_not_stopped(&self, id: &str) -> Option<Answer> {
        match self.state(id) {
            None => Some(Answer::NotFound),
            Some(ChildState::Running(pid)) => Some(Answer::Running(pid)),
            Some(ChildState::Restarting) => Some(Answer::Restarting),
            Some(ChildState::Stopped) => None,
        }
    }

    /// Begins what somebody asked for. While something else is under way nobody can ask.
    fn ask(&mut self, question: Question, step: Step) {
        if self.work == Work::Idle {
            self.work = Work::Asked(question);
            self.steps.push_back(step);
        }
    }
}
