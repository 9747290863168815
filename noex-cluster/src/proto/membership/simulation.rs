//! Pure: several machines in virtual time, on a network that can be cut, with nodes that are paused
//! or killed. One seed gives one run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use noex_core::{Creation, NodeDownReason, NodeId, Peer};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::simulated_network::Event;
use super::{DialId, Flaw, Input, Machine, Notice, OBSERVERS, Own, Rules, SessionId};
use crate::proto::backoff::BackoffPolicy;

pub(super) const RULES: Rules = Rules {
    heartbeat_interval: Duration::from_secs(1),
    miss_threshold: 5,
    join_timeout: Duration::from_secs(10),
    discovery_interval: Duration::from_secs(10),
    backoff: BackoffPolicy {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        jitter: false,
    },
    observers: OBSERVERS,
    flaw: Flaw::None,
};

/// How long a dial to a node that does not answer takes.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_millis(2_500);

/// What a node was told of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Up(Peer),
    Opened(Peer),
    Lost(Peer),
    Rested(Peer),
    Down(Peer, NodeDownReason),
}

/// The nodes and the network between them.
pub(super) struct Simulation {
    pub(super) now: Instant,
    pub(super) nodes: Vec<Node>,
    /// Pairs between which nothing passes, the smaller index first.
    pub(super) cuts: BTreeSet<(usize, usize)>,
    pub(super) rng: StdRng,
    pub(super) queue: BTreeMap<(Instant, u64), Event>,
    pub(super) last: u64,
    /// How many lives have begun.
    pub(super) starts: u64,
    pub(super) ends: BTreeMap<(usize, SessionId), (usize, SessionId)>,
    pub(super) asked: BTreeMap<(usize, SessionId), (usize, DialId)>,
    pub(super) targets: BTreeMap<(usize, DialId), usize>,
    pub(super) arrived: BTreeMap<(usize, SessionId), Instant>,
}

pub(super) struct Node {
    pub(super) peer: Peer,
    pub(super) incarnation: u64,
    pub(super) machine: Machine,
    pub(super) is_alive: bool,
    pub(super) is_paused: bool,
    pub(super) told: Vec<(Instant, Told)>,
    pub(super) dials: usize,
    /// What its operator reads.
    pub(super) notices: Vec<Notice>,
    pub(super) inbox: Vec<Input>,
}

impl Simulation {
    pub(super) fn new(seed: u64, now: Instant) -> Self {
        Self {
            now,
            nodes: Vec::new(),
            cuts: BTreeSet::new(),
            rng: StdRng::seed_from_u64(seed),
            queue: BTreeMap::new(),
            last: 0,
            starts: 0,
            ends: BTreeMap::new(),
            asked: BTreeMap::new(),
            targets: BTreeMap::new(),
            arrived: BTreeMap::new(),
        }
    }

    /// Starts a node; the seeds are the indices of other nodes, started or not.
    pub(super) fn add(&mut self, seeds: &[usize]) -> usize {
        let index = self.nodes.len();
        let node = self.fresh(index, seeds);
        self.nodes.push(node);
        index
    }

    /// Starts a node anew under its old identity.
    pub(super) fn restart(&mut self, index: usize, seeds: &[usize]) {
        self.nodes[index] = self.fresh(index, seeds);
    }

    /// A node that says it is another one.
    pub(super) fn add_twin(&mut self, of: usize, seeds: &[usize]) -> usize {
        let index = self.nodes.len();
        let mut node = self.fresh(index, seeds);
        node.peer.id = self.nodes[of].peer.id.clone();
        let own = Own {
            peer: node.peer.clone(),
            key: key_of(node.peer.creation),
            incarnation: node.incarnation,
        };
        let names = seeds.iter().map(|_| None).collect();
        node.machine = Machine::new(own, RULES, names, self.rng.random(), self.now);
        self.nodes.push(node);
        index
    }

    fn fresh(&mut self, index: usize, seeds: &[usize]) -> Node {
        let id = NodeId::new("n", "127.0.0.1", port_of(index)).unwrap();
        let creation = Creation::from_bits(self.rng.random());
        let peer = Peer::new(id, creation);
        self.starts += 1;
        let incarnation = 1_000 * self.starts;
        let own = Own {
            peer: peer.clone(),
            key: key_of(creation),
            incarnation,
        };
        let names = seeds.iter().map(|_| None).collect();
        let machine = Machine::new(own, RULES, names, self.rng.random(), self.now);
        for (seed, target) in seeds.iter().enumerate() {
            let addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port_of(*target)))];
            let input = Input::Resolved { seed, addresses };
            self.later(Event::Deliver(index, creation, input));
        }
        let (told, inbox) = (Vec::new(), Vec::new());
        Node {
            peer,
            incarnation,
            machine,
            is_alive: true,
            is_paused: false,
            told,
            dials: 0,
            notices: Vec::new(),
            inbox,
        }
    }

    /// The process is killed; its machine goes on.
    pub(super) fn kill(&mut self, index: usize) {
        self.nodes[index].is_alive = false;
        for session in self.sessions_of(index) {
            self.close(index, session);
        }
    }

    /// The process goes on after a pause: first it reads its sockets.
    pub(super) fn resume(&mut self, index: usize) {
        self.nodes[index].is_paused = false;
        for input in std::mem::take(&mut self.nodes[index].inbox) {
            self.feed(index, input);
        }
    }

    /// A connection between two nodes breaks, and nothing else does.
    pub(super) fn reset(&mut self, a: usize, b: usize) {
        for session in self.sessions_of(a) {
            if let Some((other, theirs)) = self.ends.get(&(a, session)).copied()
                && other == b
            {
                self.closed(a, session);
                self.closed(b, theirs);
            }
        }
    }

    /// Something that a user of the node wants.
    pub(super) fn feed(&mut self, index: usize, input: Input) {
        self.nodes[index].machine.handle_input(input, self.now);
        self.perform(index);
    }

    /// Lets this much time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next_time().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    /// Whom each live node holds for up, by index.
    pub(super) fn view(&self, index: usize) -> Vec<usize> {
        let mut up = BTreeSet::new();
        for (_, told) in &self.nodes[index].told {
            match told {
                Told::Up(peer) => assert!(up.insert(peer.clone()), "{peer:?} up twice"),
                Told::Down(peer, _) => assert!(up.remove(peer), "{peer:?} down without up"),
                Told::Opened(peer) | Told::Lost(peer) | Told::Rested(peer) => {
                    assert!(up.contains(peer));
                }
            }
        }
        up.into_iter().map(|peer| index_of(&peer.id)).collect()
    }

    /// When this node was told that the other is down, after a moment, and why.
    pub(super) fn down_after(
        &self,
        index: usize,
        other: usize,
        since: Instant,
    ) -> Option<(Duration, NodeDownReason)> {
        self.nodes[index]
            .told
            .iter()
            .find_map(|(at, told)| match told {
                Told::Down(peer, reason) if *at >= since && index_of(&peer.id) == other => {
                    Some((*at - since, *reason))
                }
                Told::Up(_)
                | Told::Opened(_)
                | Told::Lost(_)
                | Told::Rested(_)
                | Told::Down(..) => None,
            })
    }

    /// The other end of each open session of a node.
    pub(super) fn sessions_of(&self, index: usize) -> Vec<SessionId> {
        self.ends
            .keys()
            .filter(|(node, _)| *node == index)
            .map(|(_, id)| *id)
            .collect()
    }

    fn next_time(&self) -> Option<Instant> {
        let awake = self
            .nodes
            .iter()
            .filter(|node| node.is_alive && !node.is_paused);
        let timers = awake.filter_map(|node| node.machine.poll_timeout());
        timers
            .chain(self.queue.keys().next().map(|(at, _)| *at))
            .min()
    }

    fn step(&mut self) {
        while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= self.now) {
            let event = entry.remove();
            self.happen(event);
        }
        for index in 0..self.nodes.len() {
            let node = &self.nodes[index];
            let is_due = node.machine.poll_timeout().is_some_and(|at| at <= self.now);
            if is_due && node.is_alive && !node.is_paused {
                self.nodes[index].machine.handle_timeout(self.now);
                self.perform(index);
            }
        }
    }
}

pub(super) fn port_of(index: usize) -> u16 {
    1_000 + u16::try_from(index).unwrap()
}

pub(super) fn index_of_port(port: u16) -> usize {
    usize::from(port - 1_000)
}

pub(super) fn index_of(id: &NodeId) -> usize {
    index_of_port(id.port())
}

/// The static key of a life.
pub(super) fn key_of(creation: Creation) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&creation.bits().to_be_bytes());
    key
}
