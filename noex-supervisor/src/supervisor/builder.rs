//! `SupervisorBuilder`: what a supervisor is told before it starts.

use std::time::Duration;

use noex_gen_server::{GenServer, Start};

use super::child_spec::ChildSpec;
use super::server::{Supervisor, SupervisorArgs};
use crate::Strategy;
use crate::intensity::Intensity;

/// What a supervisor is told before it starts; made by [`Supervisor::builder`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is started before `start`"]
pub struct SupervisorBuilder {
    args: SupervisorArgs,
}

impl SupervisorBuilder {
    /// Which children are started again when one has to be; that one alone, unless said.
    pub const fn strategy(mut self, strategy: Strategy) -> Self {
        self.args.rules.strategy = strategy;
        self
    }

    /// Bears `restarts` restarts in `period`, and gives up at the next; 3 in 5 s unless said.
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.args.rules.intensity = Intensity::new(restarts, period);
        self
    }

    /// Adds a child. They start in the order given, and stop in reverse order.
    pub fn child(mut self, spec: ChildSpec) -> Self {
        self.args.children.push(spec);
        self
    }

    /// Adds children, in order.
    pub fn children(mut self, specs: impl IntoIterator<Item = ChildSpec>) -> Self {
        self.args.children.extend(specs);
        self
    }

    /// Starts the supervisor; the future is ready when all its children have started.
    ///
    /// # Errors
    /// [`StartError`](noex_gen_server::StartError), as any server; if a child does not start,
    /// those before it are stopped.
    pub fn start(self) -> Start<Supervisor> {
        Supervisor::start(self.args)
    }

    /// As [`start`](Self::start), linked with the calling process.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_link(self) -> Start<Supervisor> {
        Supervisor::start_link(self.args)
    }
}
