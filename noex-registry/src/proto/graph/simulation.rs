//! Pure: many machines in virtual time, each with a few of the others for neighbours. One seed
//! gives one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, Pid};

use crate::proto::message::{Message, State};
use crate::proto::{Input, Machine, Now, Output, PART_SIZE};

/// The least and the most that a message takes from one node to another.
pub(super) const DELAY_MIN: Duration = Duration::from_micros(200);
pub(super) const DELAY_MAX: Duration = Duration::from_millis(2);

/// Machines, and the edges between them.
pub(super) struct Graph {
    pub(super) now: Now,
    pub(super) machines: Vec<Machine>,
    neighbours: Vec<BTreeSet<usize>>,
    random: u64,
    flying: BTreeMap<(Instant, u64), (usize, usize, Message)>,
    sent: u64,
    /// How often each delta went over each edge, in either direction.
    pub(super) crossings: BTreeMap<(Creation, u64, usize, usize), usize>,
    /// The messages that went to a node that is no neighbour of the sender.
    pub(super) beside: usize,
    /// The share of messages that are lost, in percent.
    pub(super) loss: u64,
}

impl Graph {
    /// Machines that know of each other, and have no neighbours.
    fn new(seed: u64, size: usize, now: Instant) -> Self {
        let now = Now {
            at: now,
            wall: Duration::from_secs(1_000_000),
        };
        let mut graph = Self {
            now,
            machines: (0..size)
                .map(|at| Machine::new(creation(at), now))
                .collect(),
            neighbours: vec![BTreeSet::new(); size],
            random: seed,
            flying: BTreeMap::new(),
            sent: 0,
            crossings: BTreeMap::new(),
            beside: 0,
            loss: 0,
        };
        for at in 0..size {
            for other in (0..size).filter(|other| *other != at) {
                let node = creation(other);
                graph.input(at, Input::NodeUp { node });
            }
        }
        graph
    }

    /// Joins the nodes to that many rings, each in another order.
    pub(super) fn with_rings(seed: u64, size: usize, rings: usize, now: Instant) -> Self {
        let mut graph = Self::new(seed, size, now);
        for _ in 0..rings {
            let mut order: Vec<usize> = (0..size).collect();
            for last in (1..size).rev() {
                let chosen = graph.below(last + 1);
                order.swap(last, chosen);
            }
            for (place, at) in order.iter().enumerate() {
                let next = order[(place + 1) % size];
                graph.neighbours[*at].insert(next);
                graph.neighbours[next].insert(*at);
            }
        }
        for at in 0..size {
            graph.tell_neighbours(at);
        }
        graph.run(Duration::from_secs(1));
        graph
    }

    /// The node has these neighbours alone, and they have it.
    pub(super) fn connect(&mut self, at: usize, to: &[usize]) {
        for former in std::mem::replace(&mut self.neighbours[at], to.iter().copied().collect()) {
            self.neighbours[former].remove(&at);
            self.tell_neighbours(former);
        }
        for other in to {
            self.neighbours[*other].insert(at);
            self.tell_neighbours(*other);
        }
        self.tell_neighbours(at);
    }

    /// A process of that node claims a name.
    pub(super) fn register(&mut self, at: usize, name: &str) {
        let (name, pid, replaces) = (Arc::from(name), Pid::new(creation(at), 1), None);
        self.input(
            at,
            Input::Register {
                name,
                pid,
                replaces,
            },
        );
    }

    pub(super) fn input(&mut self, at: usize, input: Input) {
        self.machines[at].handle_input(input, self.now);
        self.perform(at);
    }

    /// Lets this much time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.at + time;
        loop {
            let timers = self.machines.iter().filter_map(Machine::poll_timeout);
            let flights = self.flying.keys().next().map(|(at, _)| *at);
            let Some(next) = timers.chain(flights).min().filter(|next| *next <= end) else {
                break;
            };
            self.pass(next);
            while let Some(entry) = self
                .flying
                .first_entry()
                .filter(|entry| entry.key().0 <= next)
            {
                let (from, to, message) = entry.remove();
                let from = creation(from);
                self.input(to, Input::Message { from, message });
            }
            for at in 0..self.machines.len() {
                if self.machines[at]
                    .poll_timeout()
                    .is_some_and(|due| due <= next)
                {
                    self.machines[at].handle_timeout(self.now);
                    self.perform(at);
                }
            }
        }
        self.pass(end);
    }

    /// Whether all know who holds each of these names.
    pub(super) fn agree(&self, names: &[String]) -> bool {
        let holders = |machine: &Machine| -> Vec<Option<Pid>> {
            names.iter().map(|name| machine.holder(name)).collect()
        };
        let first = holders(&self.machines[0]);
        let all_held = first.iter().all(Option::is_some);
        all_held
            && self
                .machines
                .iter()
                .all(|machine| holders(machine) == first)
    }

    pub(super) fn neighbours_of(&self, at: usize) -> Vec<usize> {
        self.neighbours[at].iter().copied().collect()
    }

    pub(super) fn edges(&self) -> usize {
        self.neighbours.iter().map(BTreeSet::len).sum::<usize>() / 2
    }

    fn tell_neighbours(&mut self, at: usize) {
        let nodes = self.neighbours[at].iter().copied().map(creation).collect();
        self.input(
            at,
            Input::Neighbours {
                nodes,
                message_size_max: 16 << 20,
            },
        );
    }

    fn perform(&mut self, at: usize) {
        while let Some(output) = self.machines[at].poll_output() {
            match output {
                Output::Flood { to, message } => {
                    for to in to {
                        self.send(at, to, message.clone());
                    }
                }
                Output::Send { to, message } => self.send(at, to, message),
                Output::Publish { .. }
                | Output::Await { .. }
                | Output::Drained
                | Output::Regroup(_)
                | Output::Tell { .. }
                | Output::Refused { .. }
                | Output::Watch { .. }
                | Output::Unwatch { .. }
                | Output::Evict { .. }
                | Output::Drifted { .. } => {}
            }
        }
    }

    fn send(&mut self, from: usize, to: Creation, message: Message) {
        let to = usize::try_from(to.bits()).unwrap() - 1;
        self.beside += usize::from(!self.neighbours[from].contains(&to));
        match &message {
            Message::Delta(delta) => {
                let edge = (from.min(to), from.max(to));
                let crossing = (delta.origin, delta.after, edge.0, edge.1);
                *self.crossings.entry(crossing).or_default() += 1;
            }
            Message::State(State { entries, .. }) => assert!(entries.len() <= PART_SIZE),
            Message::Versions(told) => assert!(told.versions.len() <= self.machines.len()),
            Message::Fetch(_)
            | Message::Summary(_)
            | Message::Unregister(_)
            | Message::Confirm(_)
            | Message::Confirmed(_) => {}
        }
        if self.below(100) < usize::try_from(self.loss).unwrap() {
            return;
        }
        let micros = u64::try_from(self.below(1_800)).unwrap();
        let at = self.now.at + DELAY_MAX - Duration::from_micros(micros);
        self.sent += 1;
        self.flying.insert((at, self.sent), (from, to, message));
    }

    fn pass(&mut self, to: Instant) {
        self.now.wall += to.saturating_duration_since(self.now.at);
        self.now.at = to.max(self.now.at);
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.random >> 33).unwrap() % bound
    }
}

pub(super) fn creation(at: usize) -> Creation {
    Creation::from_bits(u64::try_from(at).unwrap() + 1)
}
