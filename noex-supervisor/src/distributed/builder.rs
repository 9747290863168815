//! `DistributedSupervisorBuilder`: what a distributed supervisor is told before it starts.

use std::time::Duration;

use noex_gen_server::{GenServer, Start};

use super::remote_child::RemoteChild;
use super::server::{DistributedSupervisor, DistributedSupervisorArgs};
use crate::intensity::Intensity;

/// How long a node may take to start a child unless told otherwise.
const START_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// What is kept when nodes lose sight of each other. There is no default: say what you need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Each child runs: a lost node's children start elsewhere as soon as it is down. In a split
    /// a child may run on both sides; when it heals, the older holder of a name stays.
    Available,
}

/// Which nodes may run children.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeFilter {
    /// All that are up, the supervisor's own among them.
    #[default]
    All,
    /// All that are up but the supervisor's own.
    Others,
}

/// What a distributed supervisor is told before it starts; made by
/// [`DistributedSupervisor::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing is started before `start`"]
pub struct DistributedSupervisorBuilder {
    args: DistributedSupervisorArgs,
}

impl DistributedSupervisorBuilder {
    pub(super) fn new(mode: Mode) -> Self {
        let Mode::Available = mode;
        Self {
            args: DistributedSupervisorArgs {
                nodes: NodeFilter::default(),
                intensity: Intensity::default(),
                start_timeout: START_TIMEOUT_DEFAULT,
                children: Vec::new(),
            },
        }
    }

    /// Bears `restarts` restarts in `period`, and gives up at the next; 3 in 5 s unless said.
    /// Children that are lost with their node do not count.
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.args.intensity = Intensity::new(restarts, period);
        self
    }

    /// Which nodes may run children; all, unless said.
    pub const fn nodes(mut self, nodes: NodeFilter) -> Self {
        self.args.nodes = nodes;
        self
    }

    /// Runs no child on the supervisor's own node.
    pub const fn only_others(self) -> Self {
        self.nodes(NodeFilter::Others)
    }

    /// How long a node may take to start a child before the next one is asked; 10 s unless said.
    pub const fn start_timeout(mut self, timeout: Duration) -> Self {
        self.args.start_timeout = timeout;
        self
    }

    /// Adds a child.
    pub fn child(mut self, child: RemoteChild) -> Self {
        self.args.children.push(child);
        self
    }

    /// Adds children, in order.
    pub fn children(mut self, children: impl IntoIterator<Item = RemoteChild>) -> Self {
        self.args.children.extend(children);
        self
    }

    /// Starts the supervisor. It does not wait for its children.
    ///
    /// # Errors
    /// [`StartError`](noex_gen_server::StartError), as any server: also if two children have one
    /// id, or if a child's arguments can't be encoded.
    pub fn start(self) -> Start<DistributedSupervisor> {
        DistributedSupervisor::start(self.args)
    }

    /// As [`start`](Self::start), linked with the calling process.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_link(self) -> Start<DistributedSupervisor> {
        DistributedSupervisor::start_link(self.args)
    }
}
