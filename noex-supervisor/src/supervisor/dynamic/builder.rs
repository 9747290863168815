//! `DynamicSupervisorBuilder`: what a dynamic supervisor is told before it starts.

use std::time::Duration;

use noex_gen_server::{GenServer, Start};

use super::server::{DynamicSupervisor, DynamicSupervisorArgs};
use crate::RestartDelay;
use crate::intensity::Intensity;
use crate::supervisor::rules::Population;

/// What a dynamic supervisor is told before it starts; made by [`DynamicSupervisor::builder`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is started before `start`"]
pub struct DynamicSupervisorBuilder {
    args: DynamicSupervisorArgs,
}

impl DynamicSupervisorBuilder {
    /// Bears `restarts` restarts in `period`, and gives up at the next; 3 in 5 s unless said.
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.args.rules.intensity = Intensity::new(restarts, period);
        self
    }

    /// Lets a child that ended wait before its restart; it does not, unless said.
    pub const fn restart_delay(mut self, delay: RestartDelay) -> Self {
        self.args.rules.restart_delay = delay;
        self
    }

    /// Has at most so many children, those that wait for their restart included; any number
    /// unless said.
    pub const fn max_children(mut self, children: usize) -> Self {
        self.args.rules.population = Population::Numbered {
            children_max: children,
        };
        self
    }

    /// Starts the supervisor.
    ///
    /// # Errors
    /// [`StartError`](noex_gen_server::StartError), as any server.
    pub fn start(self) -> Start<DynamicSupervisor> {
        DynamicSupervisor::start(self.args)
    }

    /// As [`start`](Self::start), linked with the calling process.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_link(self) -> Start<DynamicSupervisor> {
        DynamicSupervisor::start_link(self.args)
    }
}
