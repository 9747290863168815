//! `Coordinator`: hands out chunks, kills a node, and sees to it that nothing is lost.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;

use noex::prelude::*;
use noex::{Bytes, ClusterEvent, Events, Missed, NodeId};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::counter::{Counted, CounterCall, WordCounter};
use crate::crew::Crew;
use crate::job::{COUNTERS, JobError};
use crate::kill::{Kill, News};
use crate::ledger::{Completion, Ledger};
use crate::report::{Outcome, Screen};

/// How many chunks a counter holds at once: one to count, one to go on with.
const WINDOW: usize = 2;

/// How long one chunk may take.
const CHUNK_PATIENCE: Duration = Duration::from_secs(20);

/// How often the coordinator looks after its counters and its victim.
const TICK: Duration = Duration::from_millis(20);

/// After so many ticks, half a minute, without a chunk counted the job is stuck. Ticks, so that a
/// job which was itself suspended may go on.
const IDLE_TICKS_MAX: u32 = 1_500;

/// Who holds a chunk: this counter, while it lives on this node.
type Holder = (usize, NodeId);

/// What came of one chunk that was handed to a counter.
struct Answer {
    chunk: usize,
    holder: Holder,
    result: Result<Counted, CallError>,
}

pub(crate) struct Coordinator {
    node: Node,
    crew: Crew,
    chunks: Vec<Bytes>,
    ledger: Ledger<Holder>,
    /// Where each counter was seen last.
    homes: Vec<NodeId>,
    victim: NodeId,
    kill: Kill,
    idle_ticks: u32,
    outcome: Outcome,
    screen: Screen,
    answers: mpsc::Receiver<Answer>,
    answer_to: mpsc::Sender<Answer>,
}

impl Coordinator {
    /// Waits until every counter has its name. The first one's node is to be the victim.
    pub(crate) async fn new(node: Node, crew: Crew, chunks: Vec<Bytes>) -> Self {
        let mut homes = Vec::new();
        let mut tick = interval(TICK);
        for counter in COUNTERS {
            let home = loop {
                if let Some(home) = node_of(&node, counter) {
                    break home;
                }
                tick.tick().await;
            };
            println!("{counter}: up on {home}");
            homes.push(home);
        }
        let (answer_to, answers) = mpsc::channel(COUNTERS.len() * WINDOW);
        Self {
            ledger: Ledger::new(chunks.len()),
            victim: homes[0].clone(),
            kill: Kill::plan(chunks.len()),
            idle_ticks: 0,
            outcome: Outcome::default(),
            screen: Screen::new(chunks.len()),
            node,
            crew,
            chunks,
            homes,
            answers,
            answer_to,
        }
    }

    /// Until every chunk is counted and, after a kill, every counter is back.
    pub(crate) async fn work(&mut self, events: &mut Events) -> Result<(), JobError> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over() {
            tokio::select! {
                Some(answer) = self.answers.recv() => self.take(answer)?,
                Some(event) = events.next() => self.notice(event)?,
                _ = tick.tick() => self.look_after()?,
            }
            self.screen.progress(self.ledger.done());
        }
        Ok(())
    }

    /// Lets the worker processes leave.
    pub(crate) async fn finish(self) -> Outcome {
        self.crew.leave().await;
        Outcome {
            counts: self.ledger.into_counts(),
            killed: self.kill.killed(),
            ..self.outcome
        }
    }

    fn take(&mut self, answer: Answer) -> Result<(), JobError> {
        let Answer {
            chunk,
            holder,
            result,
        } = answer;
        match result {
            Ok(counted) => {
                self.idle_ticks = 0;
                self.count(chunk, &holder, counted);
                self.hand_out();
            }
            // `node_down` tells of it soon, and hands over what the victim held.
            Err(_) if self.kill.awaits_news() && holder.1 == self.victim => {}
            Err(error) if may_pass(&error) => self.ledger.give_back(chunk, &holder),
            Err(error) => return Err(JobError::Chunk(error)),
        }
        Ok(())
    }

    fn count(&mut self, chunk: usize, holder: &Holder, counted: Counted) {
        let words = counted.counts.total();
        match self.ledger.complete(chunk, counted.counts) {
            Completion::Counted => {
                let who = (COUNTERS[holder.0].to_owned(), counted.node.to_string());
                let work = self.outcome.work.entry(who).or_default();
                work.chunks += 1;
                work.words += words;
            }
            Completion::Duplicate => self.outcome.duplicates += 1,
        }
    }

    fn notice(&mut self, event: Result<ClusterEvent, Missed>) -> Result<(), JobError> {
        match event {
            Ok(ClusterEvent::NodeDown { id, reason }) => self.node_down(&id, &reason)?,
            Ok(_) => {}
            // The news of a lost node may be among them.
            Err(missed) => {
                let up = self.node.cluster().connected_nodes();
                let homes: BTreeSet<NodeId> = self.homes.iter().cloned().collect();
                for lost in homes.iter().filter(|home| !up.contains(home)) {
                    self.node_down(lost, &missed)?;
                }
            }
        }
        Ok(())
    }

    fn node_down(&mut self, id: &NodeId, reason: &dyn Display) -> Result<(), JobError> {
        let holders = (0..COUNTERS.len()).map(|counter| (counter, id.clone()));
        let moved: usize = holders.map(|holder| self.ledger.hand_over(&holder)).sum();
        self.outcome.handed_over += moved;
        let now = Instant::now().into_std();
        let noticed = match self.kill.node_down(*id == self.victim, now) {
            News::Expected { after } => format!(", noticed {after:.1?} after the kill"),
            News::CallsOff => {
                self.crew.thaw(self.victim.name())?;
                ", so that nothing will be killed".to_owned()
            }
            News::Unexpected => String::new(),
        };
        self.screen.say(&format!(
            "{id}: down, {reason}{noticed}; {moved} chunks handed over"
        ));
        Ok(())
    }

    /// What nothing tells of, and what has to be tried again.
    fn look_after(&mut self) -> Result<(), JobError> {
        self.idle_ticks += 1;
        if self.idle_ticks > IDLE_TICKS_MAX {
            return Err(JobError::Stuck(self.ledger.done(), self.ledger.total()));
        }
        for (counter, name) in COUNTERS.iter().enumerate() {
            if let Some(home) = node_of(&self.node, name)
                && home != self.homes[counter]
            {
                self.screen.say(&format!("{name}: up again on {home}"));
                self.homes[counter] = home;
            }
        }
        self.go_on_killing()?;
        self.hand_out();
        Ok(())
    }

    /// The victim is frozen first and given a chunk then, so that it is killed with an unfinished
    /// one however fast it is.
    fn go_on_killing(&mut self) -> Result<(), JobError> {
        match self.kill {
            Kill::Planned if self.kill.is_due(self.ledger.done(), self.ledger.total()) => {
                self.crew.freeze(self.victim.name())?;
                self.kill = Kill::Frozen;
            }
            Kill::Frozen => {
                if self.crew.is_frozen(self.victim.name())? && self.load_victim() {
                    self.kill = Kill::Loaded;
                }
            }
            Kill::Loaded => {
                let holders = (0..COUNTERS.len()).map(|counter| (counter, self.victim.clone()));
                let held: usize = holders.map(|it| self.ledger.held_by(&it).count()).sum();
                self.crew.kill(self.victim.name())?;
                let at = Instant::now().into_std();
                self.kill = Kill::Killed { at };
                let victim = &self.victim;
                let line = format!("{victim}: killed with {held} unfinished chunks");
                self.screen.say(&line);
            }
            Kill::Planned | Kill::Killed { .. } | Kill::Noticed | Kill::Off => {}
        }
        Ok(())
    }

    /// Hands one more chunk to each counter on the victim; whether any took one.
    fn load_victim(&mut self) -> bool {
        let mut taken = false;
        for (counter, name) in COUNTERS.iter().enumerate() {
            if node_of(&self.node, name).as_ref() == Some(&self.victim) {
                taken |= self.hand_one((counter, self.victim.clone()), 0);
            }
        }
        taken
    }

    /// Fills the window of every counter that can be reached.
    fn hand_out(&mut self) {
        let reserve = self.kill.reserve(self.ledger.total());
        for (counter, name) in COUNTERS.iter().enumerate() {
            let Some(home) = node_of(&self.node, name) else {
                continue;
            };
            if home == self.victim && !self.kill.spares_victim() {
                continue;
            }
            let holder = (counter, home);
            while self.ledger.held_by(&holder).count() < WINDOW
                && self.hand_one(holder.clone(), reserve)
            {}
        }
    }

    /// Hands the next chunk to `holder`; whether there was one, with `reserve` kept back.
    fn hand_one(&mut self, holder: Holder, reserve: usize) -> bool {
        let Some(chunk) = self.ledger.assign(holder.clone(), reserve) else {
            return false;
        };
        let text = self.chunks[chunk].clone();
        let answer_to = self.answer_to.clone();
        noex::spawn(async move {
            let name = COUNTERS[holder.0];
            let call = WordCounter::call(Global(name), |reply| CounterCall::Count(text, reply));
            let result = call.timeout(CHUNK_PATIENCE).await;
            let answer = Answer {
                chunk,
                holder,
                result,
            };
            // Nobody takes it when the job is over, and nobody needs it.
            drop(answer_to.send(answer).await);
        });
        true
    }

    fn is_over(&self) -> bool {
        let is_healed = self.kill != Kill::Noticed || !self.homes.contains(&self.victim);
        self.ledger.is_done() && self.kill.is_over() && is_healed
    }
}

/// The node where a counter runs, as far as this node knows.
fn node_of(node: &Node, counter: &str) -> Option<NodeId> {
    let pid = node.registry().whereis(counter)?;
    node.local().node_of(pid.creation())
}

/// Whether the same chunk may be counted at another time or elsewhere.
fn may_pass(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Timeout
            | CallError::NoProcess
            | CallError::Exited(_)
            | CallError::NoConnection { .. }
            | CallError::Full
            | CallError::ReplyDropped
            | CallError::Draining
            | CallError::NoQuorum
    )
}
