//! The coordinator: hands out chunks, kills a node, and sees to it that nothing is lost.

use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{
    Bytes, ClusterEvent, DistributedSupervisor, Mode, NodeFilter, NodeId, RemoteChild, Secret,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::counter::{Counted, CounterCall, WordCounter};
use crate::crew::Crew;
use crate::ledger::{Completion, Ledger};
use crate::report::{self, Outcome};

/// The worker nodes; the first one is killed.
const NODES: [&str; 2] = ["worker-1", "worker-2"];
const VICTIM: usize = 0;

/// The counters, two for each node.
const COUNTERS: [&str; 4] = ["counter-1", "counter-2", "counter-3", "counter-4"];

/// How many chunks a counter holds at once: one to count, one to go on with.
const WINDOW: usize = 2;

/// With fewer chunks nothing is killed.
const CHUNKS_TO_KILL: usize = 6;

/// How long the nodes and counters may take to be there.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// How long one chunk may take.
const CHUNK_PATIENCE: Duration = Duration::from_secs(60);

/// How often the coordinator looks for counters that came back.
const TICK: Duration = Duration::from_millis(20);

/// For how many ticks the frozen node's last answers may still come in before it is killed.
const FROZEN_TICKS: u32 = 3;

/// Why the job did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("interrupted")]
    Interrupted(u8),
    #[error("the coordinator's node does not start: {0}")]
    Node(#[from] noex::NodeError),
    #[error("the worker processes do not start: {0}")]
    Crew(#[from] std::io::Error),
    #[error("the supervisor does not start: {0}")]
    Supervisor(#[from] StartError),
    #[error("{0} were not there in time")]
    Late(&'static str),
    #[error("a chunk can't be counted: {0}")]
    Chunk(CallError),
}

/// Counts `chunks` on a cluster of this node and two workers.
pub(crate) async fn run(chunks: Vec<Bytes>) -> Result<Outcome, JobError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        outcome = count(chunks) => outcome,
        // The worker processes are killed as their crew is dropped.
        _ = interrupt.recv() => Err(JobError::Interrupted(2)),
        _ = terminate.recv() => Err(JobError::Interrupted(15)),
    }
}

async fn count(chunks: Vec<Bytes>) -> Result<Outcome, JobError> {
    let secret = Secret::generate();
    let config = ClusterConfig::new("main").listen("127.0.0.1").port(0);
    let config = config
        .secret(secret.clone())
        .heartbeat_interval(Duration::from_secs(1));
    let node = Node::start(config).await?;
    let _inside = node.enter();
    let mut events = node.cluster().subscribe();
    let crew = Crew::start(&NODES, node.id(), &secret)?;
    println!("{}: coordinates, {} chunks", node.id(), chunks.len());

    let joined = async {
        let mut up = Vec::new();
        while up.len() < NODES.len() {
            if let Some(Ok(ClusterEvent::NodeUp(info))) = events.next().await {
                println!("{}: up", info.id);
                up.push(info.id);
            }
        }
        up
    };
    let up = timeout(START_PATIENCE, joined).await;
    let up = up.map_err(|_late| JobError::Late("the worker nodes"))?;
    let victim = up.into_iter().find(|id| id.name() == NODES[VICTIM]);
    let victim = victim.ok_or(JobError::Late("the worker nodes"))?;

    let supervisor = COUNTERS.iter().fold(
        DistributedSupervisor::builder(Mode::Available).nodes(NodeFilter::Others),
        |builder, name| builder.child(RemoteChild::of::<WordCounter>(*name, ()).global_name(*name)),
    );
    let supervisor = supervisor.start().await?;
    let mut job = Job::new(node.clone(), crew, chunks, victim);
    timeout(START_PATIENCE, job.counters_up())
        .await
        .map_err(|_late| JobError::Late("the counters"))?;
    let outcome = job.work(&mut events).await;
    if let Err(error) = supervisor.stop().await {
        eprintln!("the supervisor did not stop in order: {error}");
    }
    job.crew.leave().await;
    node.stop().await;
    outcome.map(|()| job.outcome)
}

/// How far the killing is.
#[derive(Debug)]
enum Murder {
    Planned,
    Frozen {
        ticks: u32,
    },
    Done {
        at: Instant,
        noticed: bool,
    },
    /// The job is too small for it.
    None,
}

struct Job {
    node: Node,
    crew: Crew,
    chunks: Vec<Bytes>,
    ledger: Ledger<(usize, NodeId)>,
    victim: NodeId,
    murder: Murder,
    outcome: Outcome,
    answers: mpsc::Receiver<Answer>,
    answer_to: mpsc::Sender<Answer>,
}

/// What came of one chunk that was handed to a counter.
struct Answer {
    chunk: usize,
    holder: (usize, NodeId),
    result: Result<Counted, CallError>,
}

impl Job {
    fn new(node: Node, crew: Crew, chunks: Vec<Bytes>, victim: NodeId) -> Self {
        let (answer_to, answers) = mpsc::channel(COUNTERS.len() * WINDOW);
        let ledger = Ledger::new(chunks.len());
        let kill = chunks.len() >= CHUNKS_TO_KILL;
        let murder = if kill { Murder::Planned } else { Murder::None };
        let outcome = Outcome::default();
        Self {
            node,
            crew,
            chunks,
            ledger,
            victim,
            murder,
            outcome,
            answers,
            answer_to,
        }
    }

    /// Waits until every counter has its name.
    async fn counters_up(&self) {
        let mut tick = interval(TICK);
        while !(0..COUNTERS.len()).all(|counter| self.node_of(counter).is_some()) {
            tick.tick().await;
        }
    }

    /// Until every chunk is counted and, after a kill, every counter is back.
    async fn work(&mut self, events: &mut noex::Events) -> Result<(), JobError> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over() {
            self.hand_out();
            tokio::select! {
                Some(answer) = self.answers.recv() => self.take(answer)?,
                event = events.next() => self.notice(event),
                _ = tick.tick() => self.consider_killing()?,
            }
            report::progress(self.ledger.done(), self.ledger.len());
        }
        self.outcome.counts = self.ledger.counts().clone();
        Ok(())
    }

    fn is_over(&self) -> bool {
        let healed = || (0..COUNTERS.len()).all(|counter| self.survivor_of(counter).is_some());
        match self.murder {
            Murder::None => self.ledger.is_done(),
            Murder::Done { noticed: true, .. } => self.ledger.is_done() && healed(),
            Murder::Planned | Murder::Frozen { .. } | Murder::Done { .. } => false,
        }
    }

    /// Fills the window of every counter that can be reached.
    fn hand_out(&mut self) {
        // Until the node is killed a third of the chunks stays back, so that it has work to lose.
        let reserve = match self.murder {
            Murder::Planned => self.chunks.len() / 3,
            Murder::Frozen { .. } if self.holds_any() => self.chunks.len() / 3,
            Murder::Frozen { .. } | Murder::Done { .. } | Murder::None => 0,
        };
        for counter in 0..COUNTERS.len() {
            let Some(node) = self.node_of(counter) else {
                continue;
            };
            let frozen = matches!(self.murder, Murder::Frozen { .. });
            if frozen && reserve == 0 && node != self.victim {
                continue;
            }
            let holder = (counter, node);
            while self.ledger.held_by(&holder).count() < WINDOW {
                let Some(chunk) = self.ledger.assign(holder.clone(), reserve) else {
                    break;
                };
                self.send(chunk, holder.clone());
            }
        }
    }

    fn send(&self, chunk: usize, holder: (usize, NodeId)) {
        let text = self.chunks[chunk].clone();
        let answer_to = self.answer_to.clone();
        noex::spawn(async move {
            let name = COUNTERS[holder.0];
            let call = WordCounter::call(Global(name), |reply| CounterCall::Count(text, reply));
            let result = call.timeout(CHUNK_PATIENCE).await;
            // The job may be over, for want of this chunk's answer alone.
            drop(
                answer_to
                    .send(Answer {
                        chunk,
                        holder,
                        result,
                    })
                    .await,
            );
        });
    }

    fn take(&mut self, answer: Answer) -> Result<(), JobError> {
        let Answer {
            chunk,
            holder,
            result,
        } = answer;
        match result {
            Ok(Counted { node, counts }) => {
                let words = counts.total();
                match self.ledger.complete(chunk, counts) {
                    Completion::Counted => {
                        let key = (COUNTERS[holder.0].to_owned(), node.to_string());
                        let work = self.outcome.work.entry(key).or_default();
                        work.chunks += 1;
                        work.words += words;
                    }
                    Completion::Duplicate => self.outcome.duplicates += 1,
                }
            }
            // Its node is in trouble: if it is down, `node_down` will tell, and hand it over.
            Err(CallError::NoConnection { sent: true } | CallError::Exited(_))
                if self.is_dying(&holder.1) => {}
            Err(error) if error.is_not_executed() => self.ledger.give_back(chunk, &holder),
            Err(CallError::NoConnection { .. } | CallError::Exited(_) | CallError::Timeout) => {
                self.ledger.give_back(chunk, &holder);
            }
            Err(error) => return Err(JobError::Chunk(error)),
        }
        Ok(())
    }

    fn notice(&mut self, event: Option<Result<ClusterEvent, noex::Missed>>) {
        let Some(Ok(ClusterEvent::NodeDown { id, reason })) = event else {
            return;
        };
        let holders = (0..COUNTERS.len()).map(|counter| (counter, id.clone()));
        let handed_over: usize = holders.map(|holder| self.ledger.hand_over(&holder)).sum();
        self.outcome.handed_over += handed_over;
        if let Murder::Done { at, noticed } = &mut self.murder
            && id == self.victim
        {
            *noticed = true;
            let after = at.elapsed();
            println!(
                "{id}: down, {reason}, noticed {after:.1?} after the kill; {handed_over} chunks \
                 handed over"
            );
        } else {
            println!("{id}: down, {reason}; {handed_over} chunks handed over");
        }
    }

    /// Once a third of the chunks is counted, the victim is frozen, so that what it holds stays
    /// unfinished; when its last answers are in, it is killed with what it still holds.
    fn consider_killing(&mut self) -> Result<(), JobError> {
        let holds_any = self.holds_any();
        match &mut self.murder {
            Murder::Planned if self.ledger.done() * 3 >= self.ledger.len() => {
                self.crew.freeze(VICTIM)?;
                self.murder = Murder::Frozen { ticks: 0 };
            }
            Murder::Frozen { ticks } if *ticks < FROZEN_TICKS => *ticks += 1,
            Murder::Frozen { .. } if holds_any => {
                self.crew.kill(VICTIM)?;
                println!(
                    "{}: killed with {} unfinished chunks",
                    self.victim,
                    self.holds()
                );
                self.murder = Murder::Done {
                    at: Instant::now(),
                    noticed: false,
                };
            }
            Murder::Planned | Murder::Frozen { .. } | Murder::Done { .. } | Murder::None => {}
        }
        self.outcome.killed = usize::from(matches!(self.murder, Murder::Done { .. }));
        Ok(())
    }

    /// How many unfinished chunks the victim holds.
    fn holds(&self) -> usize {
        let holders = (0..COUNTERS.len()).map(|counter| (counter, self.victim.clone()));
        holders
            .map(|holder| self.ledger.held_by(&holder).count())
            .sum()
    }

    fn holds_any(&self) -> bool {
        self.holds() > 0
    }

    fn is_dying(&self, node: &NodeId) -> bool {
        matches!(self.murder, Murder::Done { .. }) && *node == self.victim
    }

    /// The node where a counter runs, as far as this node knows.
    fn node_of(&self, counter: usize) -> Option<NodeId> {
        let pid = self.node.registry().whereis(COUNTERS[counter])?;
        self.node.local().node_of(pid.creation())
    }

    fn survivor_of(&self, counter: usize) -> Option<NodeId> {
        self.node_of(counter).filter(|node| *node != self.victim)
    }
}
