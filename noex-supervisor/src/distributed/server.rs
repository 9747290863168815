//! `DistributedSupervisor`: performs what its machine decides.

use std::collections::BTreeSet;
use std::time::Duration;

use noex_core::mailbox::Info;
use noex_core::task::spawn_on;
use noex_core::{ExitReason, Peer, PeerEvent, Pid};
use noex_gen_server::{Context, Flow, GenServer, StartError};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::builder::{DistributedSupervisorBuilder, Mode, NodeFilter};
use super::child::Rules;
use super::client::DistributedSupervisorCall;
use super::machine::{Input, Machine, Output};
use super::newborn::Newborn;
use super::remote_child::RemoteChild;
use crate::alarm::{Alarm, Tick};
use crate::intensity::Intensity;
use crate::spawner::{Spawner, SpawnerAt, SpawnerCall, StartRequest};
use crate::stop_child::stop_child;

/// How many start timeouts the answer of a node is waited for: a child that started too late must
/// be ended.
const LATE_MAX: u32 = 4;

/// A server that keeps its children running, on whatever node is up, round robin. It needs a
/// [`Spawner`] on each node that may run them, its own included.
///
/// - A child that crashes is started again, on the next node, under the intensity rule.
/// - A lost node's children start elsewhere at once, which does not count.
/// - While no node is up, or none could start a child, the child waits.
/// - A child whose cluster-wide name is held by another process stands by and is started when
///   that one ends. So the same supervisor may run on several nodes, for the case that its own
///   node is lost.
/// - If the supervisor, or its connection to a child, is lost, the child ends through its link.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Worker;
/// # impl GenServer for Worker {
/// #     type Args = u32;
/// #     type Call = ();
/// #     type Cast = ();
/// #     async fn init(_: u32, _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self) }
/// #     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow { Flow::Continue }
/// # }
/// use noex_supervisor::{
///     DistributedSupervisor, DistributedSupervisorClient, Mode, RemoteChild, Spawner,
/// };
///
/// noex_supervisor::register_server!(Worker);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// Spawner::start(&node).await?;
/// let supervisor = DistributedSupervisor::builder(Mode::Available)
///     .child(RemoteChild::of::<Worker>("w-1", 7))
///     .start()
///     .on(&node)
///     .await?;
/// assert_eq!(supervisor.which_children().await?.len(), 1);
/// supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DistributedSupervisor {
    machine: Machine,
    children: Vec<RemoteChild>,
    alarm: Alarm,
    start_timeout: Duration,
}

/// What a [`DistributedSupervisor`] is started with; made by its
/// [builder](DistributedSupervisor::builder).
#[derive(Debug, Clone)]
pub struct DistributedSupervisorArgs {
    pub(super) nodes: NodeFilter,
    pub(super) intensity: Intensity,
    pub(super) start_timeout: Duration,
    pub(super) children: Vec<RemoteChild>,
}

/// What the task that asks a node posts.
#[derive(Debug)]
struct StartOutcome {
    attempt: u64,
    outcome: Result<Newborn, StartError>,
}

impl DistributedSupervisor {
    /// A supervisor without children, on all nodes, that bears 3 restarts in 5 s.
    pub fn builder(mode: Mode) -> DistributedSupervisorBuilder {
        DistributedSupervisorBuilder::new(mode)
    }

    async fn handle(&mut self, input: Input, cx: &Context<Self>) -> Flow {
        self.machine.handle_input(input, now());
        self.perform(cx).await
    }

    async fn perform(&mut self, cx: &Context<Self>) -> Flow {
        let mut flow = Flow::Continue;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Start {
                    child,
                    attempt,
                    node,
                    replaces,
                } => {
                    let request = self.request(child, replaces, cx);
                    self.ask_node(&node, attempt, request, cx);
                }
                Output::Watch(pid) => {
                    cx.monitor(pid);
                }
                Output::Kill(pid) => cx.exit(pid, ExitReason::Killed),
                Output::Stop { pid, shutdown } => {
                    stop_child(cx.node(), cx.pid(), pid, shutdown).await;
                    self.machine.handle_input(Input::Stopped, now());
                }
                Output::GiveUp(reason) => {
                    tracing::error!(supervisor = %cx.pid(), %reason, "the supervisor gives up");
                    flow = Flow::Stop(reason);
                }
            }
        }
        self.alarm.set(self.machine.poll_timeout());
        flow
    }

    /// What a node is asked for to start the child in this place.
    fn request(&self, child: usize, replaces: Option<Pid>, cx: &Context<Self>) -> StartRequest {
        let child = &self.children[child];
        StartRequest {
            protocol: child.protocol.to_owned(),
            args: child.args.clone().unwrap_or_default(),
            global_name: child.global_name.clone(),
            replaces,
            parent: cx.pid(),
            timeout: self.start_timeout,
        }
    }

    /// Asks a node in a task, so that a slow one keeps nobody waiting. The task may outlive the
    /// supervisor, for a bounded time: what was started for nothing must be ended.
    fn ask_node(&self, node: &Peer, attempt: u64, request: StartRequest, cx: &Context<Self>) {
        tracing::debug!(supervisor = %cx.pid(), node = %node.id, attempt, "starts a child");
        let (own, pid) = (cx.node().clone(), cx.pid());
        let spawner = SpawnerAt {
            node: own.clone(),
            creation: node.creation,
        };
        let patience = self.start_timeout * LATE_MAX;
        let ask = async move {
            let call = Spawner::call(spawner, |reply| SpawnerCall::Start(request, reply));
            let answer = call.timeout(patience).await;
            let outcome = answer.unwrap_or_else(|error| Err(StartError::Node(error)));
            let outcome = outcome.map(|child| Newborn::new(own.clone(), child));
            if let Err(error) = &outcome {
                tracing::warn!(supervisor = %pid, attempt, %error, "no start of a child");
            }
            own.post(
                pid,
                Info::Other(Box::new(StartOutcome { attempt, outcome })),
            );
        };
        drop(spawn_on(&Handle::current(), ask));
    }
}

impl GenServer for DistributedSupervisor {
    type Args = DistributedSupervisorArgs;
    type Call = DistributedSupervisorCall;
    type Cast = ();

    async fn init(
        args: DistributedSupervisorArgs,
        cx: &mut Context<Self>,
    ) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        let rules = rules_of(&args.children)?;
        let mut supervisor = Self {
            machine: Machine::new(rules, args.intensity, args.start_timeout),
            children: args.children,
            alarm: Alarm::new(cx.node(), cx.pid()),
            start_timeout: args.start_timeout,
        };
        let own = Peer::new(cx.node().id().clone(), cx.node().creation());
        let own = (args.nodes == NodeFilter::All).then_some(own);
        let peers = cx.monitor_nodes().into_iter().chain(own);
        supervisor
            .machine
            .handle_input(Input::Begin(peers.collect()), now());
        let _begun = supervisor.perform(cx).await;
        Ok(supervisor)
    }

    async fn handle_call(
        &mut self,
        call: DistributedSupervisorCall,
        _cx: &mut Context<Self>,
    ) -> Flow {
        let DistributedSupervisorCall::WhichChildren(reply) = call;
        reply.send(self.machine.infos());
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Context<Self>) -> Flow {
        let posted = match info {
            Info::Down(down) => {
                let (pid, reason) = (down.pid, down.reason);
                return self.handle(Input::ChildExited { pid, reason }, cx).await;
            }
            Info::Exit(exit) => {
                let (pid, reason) = (exit.from, exit.reason);
                return self.handle(Input::ChildExited { pid, reason }, cx).await;
            }
            Info::Node(PeerEvent::Up(peer)) => {
                return self.handle(Input::NodeUp(peer), cx).await;
            }
            Info::Node(PeerEvent::Down { peer, .. }) => {
                return self.handle(Input::NodeDown(peer), cx).await;
            }
            Info::Other(posted) => posted,
            other => {
                tracing::debug!(supervisor = %cx.pid(), info = ?other, "not handled; dropped");
                return Flow::Continue;
            }
        };
        match posted.downcast::<StartOutcome>() {
            Ok(started) => self.handle(Input::of_start(*started), cx).await,
            Err(posted) if posted.is::<Tick>() => {
                self.alarm.rang();
                self.machine.handle_timeout(now());
                self.perform(cx).await
            }
            Err(_strange) => Flow::Continue,
        }
    }

    async fn terminate(&mut self, _reason: &ExitReason, cx: &mut Context<Self>) {
        let _stopped = self.handle(Input::Shutdown, cx).await;
    }
}

impl Input {
    fn of_start(started: StartOutcome) -> Self {
        let StartOutcome { attempt, outcome } = started;
        match outcome {
            Ok(child) => {
                let pid = child.take_in();
                Self::ChildStarted { attempt, pid }
            }
            Err(error) => Self::StartFailed { attempt, error },
        }
    }
}

/// What the machine must know, if the specifications are sound.
fn rules_of(children: &[RemoteChild]) -> Result<Vec<Rules>, ExitReason> {
    let mut ids = BTreeSet::new();
    let mut rules = Vec::new();
    for child in children {
        let id = child.id.clone();
        if !ids.insert(id.clone()) {
            let text = format!("two children have the id `{id}`");
            return Err(ExitReason::error(text));
        }
        if let Err(error) = &child.args {
            let text = format!("the arguments of child `{id}` can't be encoded: {error}");
            return Err(ExitReason::error(text));
        }
        rules.push(Rules {
            id,
            restart: child.restart,
            shutdown: child.shutdown,
        });
    }
    Ok(rules)
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
