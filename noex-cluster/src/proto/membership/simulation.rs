//! Several machines in virtual time, on a network that can be cut, with nodes that are paused
//! or killed. One seed gives one run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use noex_core::{Creation, NodeDownReason, NodeId, Peer};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{
    DialFailure, DialId, Endpoint, Input, Machine, Message, Output, Own, Rules, SessionId, Stream,
    Via,
};
use crate::proto::backoff::BackoffPolicy;
use crate::proto::wire::Refusal;

pub(super) const RULES: Rules = Rules {
    heartbeat_interval: Duration::from_secs(1),
    miss_threshold: 5,
    join_timeout: Duration::from_secs(10),
    backoff: BackoffPolicy {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        jitter: false,
    },
};

/// How long a dial to a node that does not answer takes.
const DIAL_TIMEOUT: Duration = Duration::from_millis(2_500);

/// What a node was told of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Up(Peer),
    Reconnected(Peer),
    Lost(Peer),
    Down(Peer, NodeDownReason),
}

/// The nodes and the network between them.
pub(super) struct Simulation {
    pub(super) now: Instant,
    pub(super) nodes: Vec<Node>,
    /// Pairs between which nothing passes, the smaller index first.
    pub(super) cuts: BTreeSet<(usize, usize)>,
    rng: StdRng,
    queue: BTreeMap<(Instant, u64), Event>,
    last: u64,
    ends: BTreeMap<(usize, SessionId), (usize, SessionId)>,
    asked: BTreeMap<(usize, SessionId), (usize, DialId)>,
    targets: BTreeMap<(usize, DialId), usize>,
    arrived: BTreeMap<(usize, SessionId), Instant>,
}

pub(super) struct Node {
    pub(super) peer: Peer,
    pub(super) machine: Machine,
    pub(super) is_alive: bool,
    pub(super) is_paused: bool,
    pub(super) told: Vec<(Instant, Told)>,
    pub(super) dials: usize,
    inbox: Vec<Input>,
}

enum Event {
    /// Something comes to this life of a node.
    Deliver(usize, Creation, Input),
    /// A dial reaches its target.
    Reach {
        from: usize,
        dial: DialId,
        to: usize,
    },
    /// The dialler's hello reaches the target.
    Ask { from: usize, dial: DialId },
    /// The lane reaches the target; the dialler learns so later.
    Attach {
        from: usize,
        dial: DialId,
        to: usize,
        session: SessionId,
    },
}

impl Simulation {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            now: tokio::time::Instant::now().into_std(),
            nodes: Vec::new(),
            cuts: BTreeSet::new(),
            rng: StdRng::seed_from_u64(seed),
            queue: BTreeMap::new(),
            last: 0,
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
        let own = Own {
            peer: peer.clone(),
            key: key_of(creation),
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
            machine,
            is_alive: true,
            is_paused: false,
            told,
            dials: 0,
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
                Told::Reconnected(peer) | Told::Lost(peer) => assert!(up.contains(peer)),
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
                Told::Up(_) | Told::Reconnected(_) | Told::Lost(_) | Told::Down(..) => None,
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

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver(index, creation, input) => {
                let node = &mut self.nodes[index];
                if !node.is_alive || node.peer.creation != creation {
                    return;
                }
                if node.is_paused {
                    node.inbox.push(input);
                } else {
                    self.feed(index, input);
                }
            }
            Event::Reach { from, dial, to } => self.reach(from, dial, to),
            Event::Ask { from, dial } => {
                let Some(to) = self.targets.get(&(from, dial)).copied() else {
                    return;
                };
                let session = self.fresh_session();
                self.asked.insert((to, session), (from, dial));
                let Peer { creation, .. } = self.nodes[from].peer;
                let peer = self.nodes[from].peer.clone();
                self.deliver(
                    to,
                    Input::Asked {
                        session,
                        peer,
                        key: key_of(creation),
                    },
                );
            }
            Event::Attach {
                from,
                dial,
                to,
                session,
            } => {
                let own = self.fresh_session();
                if self.targets.remove(&(from, dial)).is_none() {
                    return self.deliver(to, Input::AcceptFailed { session });
                }
                self.ends.insert((from, own), (to, session));
                self.ends.insert((to, session), (from, own));
                let (dialler, target) =
                    (self.nodes[from].peer.clone(), self.nodes[to].peer.clone());
                let key = key_of(dialler.creation);
                let via = Via::Accept;
                self.deliver(
                    to,
                    Input::SessionOpened {
                        session,
                        peer: dialler,
                        key,
                        via,
                    },
                );
                let (key, via) = (key_of(target.creation), Via::Dial(dial));
                let opened = Input::SessionOpened {
                    session: own,
                    peer: target,
                    key,
                    via,
                };
                self.deliver_later(from, opened);
            }
        }
    }

    fn reach(&mut self, from: usize, dial: DialId, to: usize) {
        let is_cut = self.cuts.contains(&(from.min(to), from.max(to)));
        let Some(target) = self.nodes.get(to).filter(|node| node.is_alive || is_cut) else {
            let how = DialFailure::Refused;
            return self.deliver(from, Input::DialFailed { dial, how });
        };
        if is_cut || target.is_paused {
            let creation = self.nodes[from].peer.creation;
            let input = Input::DialFailed {
                dial,
                how: DialFailure::NoAnswer,
            };
            let event = Event::Deliver(from, creation, input);
            return self.at(self.now + DIAL_TIMEOUT, event);
        }
        let peer = target.peer.clone();
        self.targets.insert((from, dial), to);
        let key = key_of(peer.creation);
        self.deliver(from, Input::Identified { dial, peer, key });
    }

    fn perform(&mut self, index: usize) {
        while let Some(output) = self.nodes[index].machine.poll_output() {
            self.perform_one(index, output);
        }
    }

    fn perform_one(&mut self, index: usize, output: Output) {
        let now = self.now;
        let mut tell = |told| self.nodes[index].told.push((now, told));
        match output {
            Output::PeerUp { peer, .. } => tell(Told::Up(peer)),
            Output::PeerReconnected { peer, .. } => tell(Told::Reconnected(peer)),
            Output::SessionLost { peer } => tell(Told::Lost(peer)),
            Output::PeerDown { peer, reason } => tell(Told::Down(peer, reason)),
            Output::Dial { dial, to } => {
                self.nodes[index].dials += 1;
                let to = match to {
                    Endpoint::Address(address) => index_of_port(address.port()),
                    Endpoint::Node(node) => index_of(&node),
                };
                self.later(Event::Reach {
                    from: index,
                    dial,
                    to,
                });
            }
            Output::Proceed { dial } => self.later(Event::Ask { from: index, dial }),
            Output::CancelDial { dial } => {
                self.targets.remove(&(index, dial));
            }
            Output::Answer { session, answer } => self.answer(index, session, answer),
            Output::Heartbeat { session } => {
                self.send(index, session, |session| Input::Heard { session });
            }
            Output::Send { session, message } => self.send_message(index, session, &message),
            Output::Farewell { session } => {
                self.send(index, session, |session| Input::LaneEnded { session });
                self.send(index, session, |session| Input::Goodbye { session });
            }
            Output::CloseSession { session } => self.close(index, session),
            Output::Resolve { .. }
            | Output::Facts { .. }
            | Output::Forgotten { .. }
            | Output::Status(_)
            | Output::Notice(_) => {}
        }
    }

    fn answer(&mut self, to: usize, session: SessionId, answer: Result<(), Refusal>) {
        let Some((from, dial)) = self.asked.remove(&(to, session)) else {
            return;
        };
        match answer {
            Ok(()) => self.later(Event::Attach {
                from,
                dial,
                to,
                session,
            }),
            Err(refusal) => {
                self.targets.remove(&(from, dial));
                let how = DialFailure::Declined(refusal);
                self.deliver_later(from, Input::DialFailed { dial, how });
            }
        }
    }

    fn send_message(&mut self, index: usize, session: SessionId, message: &Message) {
        let message = message.clone();
        self.send(index, session, |session| Input::Message {
            session,
            message,
        });
    }

    fn send(&mut self, from: usize, session: SessionId, make: impl FnOnce(SessionId) -> Input) {
        let Some((to, theirs)) = self.ends.get(&(from, session)).copied() else {
            return;
        };
        if !self.cuts.contains(&(from.min(to), from.max(to))) {
            self.deliver_in_order(to, theirs, make(theirs));
        }
    }

    fn close(&mut self, index: usize, session: SessionId) {
        let Some((to, theirs)) = self.ends.remove(&(index, session)) else {
            return;
        };
        if !self.cuts.contains(&(index.min(to), index.max(to))) {
            self.closed(to, theirs);
        }
    }

    fn closed(&mut self, index: usize, session: SessionId) {
        self.ends.remove(&(index, session));
        let input = Input::Closed {
            session,
            stream: Stream::Control,
        };
        self.deliver_in_order(index, session, input);
    }

    fn deliver(&mut self, index: usize, input: Input) {
        let creation = self.nodes[index].peer.creation;
        self.happen(Event::Deliver(index, creation, input));
    }

    fn deliver_later(&mut self, index: usize, input: Input) {
        let creation = self.nodes[index].peer.creation;
        self.later(Event::Deliver(index, creation, input));
    }

    /// What comes over one connection keeps its order.
    fn deliver_in_order(&mut self, index: usize, session: SessionId, input: Input) {
        let delay = Duration::from_micros(self.rng.random_range(200..2_000));
        let earliest = self
            .arrived
            .get(&(index, session))
            .copied()
            .unwrap_or(self.now);
        let at = earliest.max(self.now + delay);
        self.arrived.insert((index, session), at);
        let creation = self.nodes[index].peer.creation;
        self.at(at, Event::Deliver(index, creation, input));
    }

    /// After the time that a packet takes.
    fn later(&mut self, event: Event) {
        let delay = Duration::from_micros(self.rng.random_range(200..2_000));
        self.at(self.now + delay, event);
    }

    fn at(&mut self, at: Instant, event: Event) {
        self.last += 1;
        self.queue.insert((at, self.last), event);
    }

    fn fresh_session(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }
}

fn port_of(index: usize) -> u16 {
    1_000 + u16::try_from(index).unwrap()
}

fn index_of_port(port: u16) -> usize {
    usize::from(port - 1_000)
}

fn index_of(id: &NodeId) -> usize {
    index_of_port(id.port())
}

/// The static key of a life.
fn key_of(creation: Creation) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&creation.bits().to_be_bytes());
    key
}
