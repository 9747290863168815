//! `Probe`: the server that tests reach on every node, under the name `probe-NODE`, and in the
//! group `probes`.

use std::time::Duration;

use noex::prelude::*;
use noex::{Accepted, Accepts, GroupEvent, MonitorRef, NodeId, Pid};

/// What can be found, and told a number.
#[noex::protocol(name = "noex.test.Found")]
pub(crate) trait Found {
    /// Its node and its pid.
    #[call]
    fn place(&self) -> (NodeId, Pid);

    /// Remember this.
    #[cast]
    fn note(&mut self, number: u64);
}

/// What a test can ask a probe.
#[derive(Serialize, Deserialize)]
pub(crate) enum ProbeCall {
    /// Its node and its pid.
    Where(ReplyTo<(NodeId, Pid)>),
    /// This text again.
    Echo(String, ReplyTo<String>),
    /// Panic with this message.
    Panic(String, ReplyTo<()>),
    /// Never answer, and keep the handle.
    Never(ReplyTo<()>),
    /// Drop the handle.
    Drop(ReplyTo<()>),
    /// Answer after this time.
    Slow(Duration, ReplyTo<u64>),
    /// Let the probe of this name answer.
    PassTo(String, ReplyTo<Pid>),
    /// Let the probe of this name keep the handle.
    LendTo(String, ReplyTo<()>),
    /// The casts so far, in the order in which they came.
    Casts(ReplyTo<Vec<u64>>),
    /// Forget the casts.
    Forget(ReplyTo<()>),
    /// How many calls it has begun to handle, this one not counted.
    Handled(ReplyTo<u64>),
    /// Cast these numbers to that probe, then end.
    CastAndEnd(Pid, Vec<u64>, ReplyTo<()>),
    /// Monitor this process, and note its end among the casts, as `u64::MAX`.
    Watch(Pid, ReplyTo<()>),
    /// Start another probe under this global name, without a supervisor, and mind its end.
    Start(String, ReplyTo<Result<Pid, StartError>>),
    /// Why the process that it started ended; nothing if it has not.
    EndOf(Pid, ReplyTo<Option<ExitReason>>),
    /// Ask the probe of this name, or itself, where it is.
    Ask(String, ReplyTo<Result<(NodeId, Pid), CallError>>),
    /// Ask this process as a probe where it is.
    AskPid(Pid, ReplyTo<Result<(NodeId, Pid), CallError>>),
    /// The holder of this global name, as its node knows.
    Whereis(String, ReplyTo<Option<Pid>>),
    /// Something about process groups.
    Group(GroupCall),
    /// The nodes that its node is connected with.
    Connected(ReplyTo<Vec<NodeId>>),
    /// How many names are held on all nodes, as its node knows.
    Registrations(ReplyTo<usize>),
    /// Calls of its node that wait for another one, and calls of others that it has to answer.
    OpenCalls(ReplyTo<(usize, usize)>),
}

/// What a test can ask a probe of process groups.
#[derive(Serialize, Deserialize)]
pub(crate) enum GroupCall {
    /// The members of this group, as its node knows.
    Members(String, ReplyTo<Vec<Pid>>),
    /// Watch this group from now on; its members.
    Watch(String, ReplyTo<Vec<Pid>>),
    /// Who joined (`true`) and who left the groups that it watches, in order.
    Changes(ReplyTo<Vec<(bool, Pid)>>),
}

/// What a test can tell a probe.
#[derive(Serialize, Deserialize)]
pub(crate) enum ProbeCast {
    /// Remember this.
    Note(u64),
    /// When you end, cast all that you remember to that probe.
    Bequeath(Pid),
    /// Keep this, and never answer.
    Keep(ReplyTo<()>),
    /// Answer this with your pid.
    Answer(ReplyTo<Pid>),
    /// Block all workers of the program for this time.
    Block(Duration),
}

#[derive(Default)]
pub(crate) struct Probe {
    casts: Vec<u64>,
    watched: Option<MonitorRef>,
    ends: Vec<(Pid, ExitReason)>,
    heir: Option<Pid>,
    kept: Vec<ReplyTo<()>>,
    handled: u64,
    group_changes: Vec<(bool, Pid)>,
}

impl GenServer for Probe {
    type Args = ();
    type Call = ProbeCall;
    type Cast = ProbeCast;

    fn protocol() -> &'static str {
        "noex.test.Probe"
    }

    fn protocols() -> &'static [Accepted<Self>] {
        const { &[Accepted::of::<dyn Found>()] }
    }

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self::default())
    }

    async fn handle_call(&mut self, call: ProbeCall, cx: &mut Context<Self>) -> Flow {
        match call {
            ProbeCall::Handled(reply) => return answer(reply, self.handled),
            ProbeCall::Where(reply) => reply.send((cx.node().id().clone(), cx.pid())),
            ProbeCall::Echo(text, reply) => reply.send(text),
            ProbeCall::Panic(message, _reply) => panic!("{message}"),
            ProbeCall::Never(reply) => self.kept.push(reply),
            ProbeCall::Drop(reply) => drop(reply),
            ProbeCall::Slow(time, reply) => {
                tokio::time::sleep(time).await;
                reply.send(self.handled);
            }
            ProbeCall::PassTo(name, reply) => {
                Self::cast(Global(name), ProbeCast::Answer(reply)).expect("the probe runs");
            }
            ProbeCall::LendTo(name, reply) => {
                Self::cast(Global(name), ProbeCast::Keep(reply)).expect("the probe runs");
            }
            ProbeCall::Casts(reply) => reply.send(self.casts.clone()),
            ProbeCall::Forget(reply) => {
                self.casts.clear();
                reply.send(());
            }
            ProbeCall::CastAndEnd(to, numbers, reply) => {
                for number in numbers {
                    Self::cast(to, ProbeCast::Note(number)).expect("the probe runs");
                }
                reply.send(());
                return Flow::Stop(ExitReason::Normal);
            }
            ProbeCall::Watch(pid, reply) => {
                self.watched = Some(cx.monitor(pid));
                reply.send(());
            }
            ProbeCall::Start(name, reply) => {
                let started = Self::start(()).name(Global(name)).await;
                let started = started.map(|probe| probe.pid());
                if let Ok(pid) = started {
                    cx.monitor(pid);
                }
                reply.send(started);
            }
            ProbeCall::EndOf(pid, reply) => {
                let ended = self.ends.iter().find(|(ended, _)| *ended == pid);
                reply.send(ended.map(|(_, reason)| reason.clone()));
            }
            ProbeCall::Ask(name, reply) => {
                reply.send(Self::call(Global(name), ProbeCall::Where).await);
            }
            ProbeCall::AskPid(pid, reply) => {
                reply.send(Self::call(pid, ProbeCall::Where).await);
            }
            ProbeCall::Registrations(reply) => {
                reply.send(own_node().registry().stats().registrations);
            }
            ProbeCall::Whereis(name, reply) => {
                reply.send(own_node().registry().whereis(&name));
            }
            ProbeCall::Group(call) => self.handle_group_call(call, cx),
            ProbeCall::Connected(reply) => {
                reply.send(own_node().cluster().connected_nodes());
            }
            ProbeCall::OpenCalls(reply) => {
                let node = cx.node();
                reply.send((node.pending_calls(), node.calls_in_flight()));
            }
        }
        self.handled += 1;
        Flow::Continue
    }

    async fn handle_cast(&mut self, cast: ProbeCast, cx: &mut Context<Self>) -> Flow {
        match cast {
            ProbeCast::Note(number) => self.casts.push(number),
            ProbeCast::Bequeath(heir) => self.heir = Some(heir),
            ProbeCast::Block(time) => block_workers(time),
            ProbeCast::Keep(reply) => self.kept.push(reply),
            ProbeCast::Answer(reply) => reply.send(cx.pid()),
        }
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Context<Self>) -> Flow {
        match info {
            Info::Down(down) => {
                if self.watched == Some(down.monitor) {
                    self.casts.push(u64::MAX);
                }
                self.ends.push((down.pid, down.reason));
            }
            Info::Other(other) => match other.downcast_ref() {
                Some(GroupEvent::Joined { pid, .. }) => self.group_changes.push((true, *pid)),
                Some(GroupEvent::Left { pid, .. }) => self.group_changes.push((false, *pid)),
                None => {}
            },
            _ => {}
        }
        Flow::Continue
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        let Some(heir) = self.heir else { return };
        for number in &self.casts {
            Self::cast(heir, ProbeCast::Note(*number)).expect("the heir runs");
        }
    }
}

impl Accepts<dyn Found> for Probe {
    fn wrap_call(FoundCall::Place(reply): FoundCall) -> ProbeCall {
        ProbeCall::Where(reply)
    }

    fn wrap_cast(FoundCast::Note { number }: FoundCast) -> ProbeCast {
        ProbeCast::Note(number)
    }

    fn unwrap_cast(cast: ProbeCast) -> Option<FoundCast> {
        match cast {
            ProbeCast::Note(number) => Some(FoundCast::Note { number }),
            _ => None,
        }
    }
}

impl Probe {
    fn handle_group_call(&self, call: GroupCall, cx: &Context<Self>) {
        match call {
            GroupCall::Members(group, reply) => reply.send(Group(group).members()),
            GroupCall::Watch(group, reply) => {
                let members = Group(group).monitor(cx.this());
                reply.send(members.expect("it runs on a node with a registry"));
            }
            GroupCall::Changes(reply) => reply.send(self.group_changes.clone()),
        }
    }
}

fn own_node() -> Node {
    Node::current().expect("a probe runs on a node")
}

fn answer<R: noex::Wire>(reply: ReplyTo<R>, with: R) -> Flow {
    reply.send(with);
    Flow::Continue
}

// A distributed supervisor may start it on any node.
noex::register_server!(Probe);

/// Leaves nobody to run anything else for this time.
fn block_workers(time: Duration) {
    let now = tokio::time::Instant::now;
    let end = now() + time;
    for _ in 0..64 {
        noex::spawn(async move {
            while now() < end {
                std::thread::park_timeout(end.saturating_duration_since(now()));
            }
        });
    }
}
