//! `World`: the nodes, the network between them, and the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use noex_cluster::sim::{
    BackoffPolicy, DialId, Facts, Flaw, Input, Machine, OBSERVERS, Own, Record, Rules, SessionId,
};
use noex_core::{Creation, Peer};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::connection::{Connection, EndIndex, Packet};
use crate::dialling::Dial;
use crate::invariants::{self, Invariant, Violation};
use crate::node::{Condition, Node, address_of, id_of, key_of};
use crate::paths::Paths;
use crate::queue::Queue;
use crate::tally::Tally;
use crate::time::At;
use crate::truth::{Life, LifeIndex, Load, Told, Truth, What};

/// The rules of a usual run: an interval of a second, and five of them to be down.
pub const RULES: Rules = Rules {
    heartbeat_interval: Duration::from_secs(1),
    miss_threshold: 5,
    join_timeout: Duration::from_secs(10),
    discovery_interval: Duration::from_secs(10),
    backoff: BackoffPolicy {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        jitter: true,
    },
    observers: OBSERVERS,
    flaw: Flaw::None,
};

/// The most that a clock is wrong by when a node starts.
const CLOCK_ERROR: Duration = Duration::from_secs(30);

/// The most violations that one run reports.
const VIOLATIONS_MAX: usize = 20;

/// The nodes, the network between them, and the clock.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub now: At,
    /// What really happened.
    pub truth: Truth,
    /// Ups and downs that were told, since somebody last took them.
    pub log: Vec<Told>,
    /// How many ends of sessions were lost.
    pub lost: usize,
    /// How many were closed because nobody had any use for them.
    pub rested: usize,
    /// What went wrong.
    pub violations: Vec<Violation>,
    /// Everything that was handled, for the speed of the run.
    pub events: u64,
    /// What all nodes have sent.
    pub tally: Tally,
    pub(crate) rules: Rules,
    pub(crate) base: Instant,
    pub(crate) rng: StdRng,
    pub(crate) nodes: Vec<Node>,
    pub(crate) creations: BTreeMap<Creation, LifeIndex>,
    pub(crate) queue: Queue<Event>,
    pub(crate) connections: Vec<Connection>,
    /// Ends to which something is held.
    pub(crate) held: BTreeSet<EndIndex>,
    pub(crate) dials: BTreeMap<(usize, DialId), Dial>,
    pub(crate) asked: BTreeMap<(usize, SessionId), (usize, DialId)>,
    pub(crate) paths: Paths,
    pub(crate) is_weighing: bool,
    /// How much of [`CLOCK_ERROR`] a clock may be wrong by when a node starts.
    pub(crate) clock_error: f64,
    invariants: Vec<Box<dyn Invariant>>,
}

/// What a node has sent.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Sent {
    /// All messages.
    pub messages: usize,
    /// Those that are no heartbeats and no digests.
    pub changes: usize,
    /// All bytes, as they would be on the wire.
    pub bytes: usize,
}

/// What is to happen.
#[derive(Debug)]
pub(crate) enum Event {
    /// A machine's time has come.
    Timer { host: usize, life: LifeIndex },
    /// A packet comes in at an end.
    Packet { end: EndIndex, packet: Packet },
    /// What is held is sent again.
    Retransmit { end: EndIndex },
    /// What has been held since then is given up.
    GiveUp { end: EndIndex, since: At },
    /// Something of a dial.
    Dial(crate::dialling::Step),
    /// Something comes to this life.
    Input {
        host: usize,
        life: LifeIndex,
        input: Input,
    },
}

impl World {
    /// A world without nodes. Equal seeds make equal runs.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the base of virtual time: only differences count"
    )]
    pub fn new(rules: Rules, seed: u64) -> Self {
        Self {
            now: At::START,
            truth: Truth {
                patience: rules.heartbeat_interval * (rules.miss_threshold - 1),
                ..Truth::default()
            },
            log: Vec::new(),
            lost: 0,
            rested: 0,
            violations: Vec::new(),
            events: 0,
            tally: Tally::default(),
            rules,
            base: Instant::now(),
            rng: StdRng::seed_from_u64(seed),
            nodes: Vec::new(),
            creations: BTreeMap::new(),
            queue: Queue::new(),
            connections: Vec::new(),
            held: BTreeSet::new(),
            dials: BTreeMap::new(),
            asked: BTreeMap::new(),
            paths: Paths::new(rules.detection_time()),
            is_weighing: false,
            clock_error: 0.0,
            invariants: invariants::all(),
        }
    }

    /// A cluster of this size in which everybody knows everybody and has sessions.
    #[must_use]
    pub fn formed(rules: Rules, size: usize, seed: u64) -> Self {
        let mut world = Self::new(rules, seed);
        for host in 0..size {
            world.start(host, &[]);
        }
        let records: Vec<Record> = world.nodes.iter().map(Node::record).collect();
        for host in 0..size {
            let now = world.local(host);
            world.nodes[host].machine.acquaint(&records, now);
            world.perform(host);
        }
        world.run_for(Duration::from_secs(15));
        world.log.clear();
        world.demand_one_view();
        world
    }

    /// Starts a node on a host, which must have none. The seeds are hosts.
    ///
    /// # Panics
    /// If the hosts are not started one after the other.
    pub fn start(&mut self, host: usize, seeds: &[usize]) -> LifeIndex {
        let creation = Creation::from_bits(self.rng.random());
        let peer = Peer::new(id_of(host), creation);
        // When it started, by a clock that may have been put back.
        let started = (self.now + CLOCK_ERROR).elapsed();
        let error = CLOCK_ERROR.mul_f64(self.rng.random_range(0.0..=self.clock_error));
        let incarnation = started.saturating_sub(error).as_millis();
        let incarnation = u64::try_from(incarnation).expect("a run is short");
        let own = Own {
            peer: peer.clone(),
            key: key_of(creation),
            incarnation,
        };
        let life = LifeIndex(u32::try_from(self.truth.lives.len()).expect("few lives"));
        self.truth.lives.push(Life {
            node: host,
            ended_at: None,
            left_at: None,
            silent_since: None,
            mended_at: None,
        });
        self.creations.insert(creation, life);
        let names = seeds.iter().map(|_| None).collect();
        let now = self.base + self.now.elapsed();
        let machine = Machine::new(own, self.rules, names, self.rng.random(), now);
        let node = Node {
            peer,
            life,
            incarnation,
            machine,
            condition: Condition::Running,
            timer_at: None,
            inbox: Vec::new(),
            rate: 1.0,
            ends: BTreeSet::new(),
            view: Vec::new(),
            sent: Sent::default(),
            neighbours: Vec::new(),
            facts: Facts::default(),
        };
        if host < self.nodes.len() {
            self.nodes[host] = node;
        } else {
            assert_eq!(
                host,
                self.nodes.len(),
                "hosts are started one after the other"
            );
            self.nodes.push(node);
        }
        self.paths.power_on(host);
        self.truth.size = self.nodes.len();
        self.truth.seeds.extend(seeds);
        for (seed, target) in seeds.iter().enumerate() {
            let addresses = vec![address_of(*target)];
            self.input(host, Input::Resolved { seed, addresses });
        }
        self.perform(host);
        life
    }

    /// Lets this much time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Lets time pass until this moment.
    pub fn run_until(&mut self, end: At) {
        while let Some((at, event)) = self.queue.pop(end) {
            self.now = at;
            self.events += 1;
            self.happen(event);
        }
        self.now = end;
    }

    /// Lets time pass until every live node holds exactly the live nodes for up; how long that
    /// took, or nothing if it took longer than `limit`.
    pub fn run_until_one_view(&mut self, limit: Duration) -> Option<Duration> {
        const STEP: Duration = Duration::from_millis(10);
        let begin = self.now;
        while !self.has_one_view() {
            if self.now - begin > limit {
                return None;
            }
            self.run_for(STEP);
        }
        Some(self.now - begin)
    }

    /// Whether every live node holds exactly the live nodes for up.
    #[must_use]
    pub fn has_one_view(&self) -> bool {
        let living: Vec<LifeIndex> = self.living();
        self.live_hosts().all(|host| {
            let node = &self.nodes[host];
            let count: u32 = node.view.iter().map(|word| word.count_ones()).sum();
            count as usize == living.len() - 1
                && living
                    .iter()
                    .all(|life| *life == node.life || node.holds(*life))
        })
    }

    /// Has every invariant look at whom the live nodes hold for up.
    pub fn demand_one_view(&mut self) {
        let views: Vec<(LifeIndex, Vec<LifeIndex>)> = self
            .live_hosts()
            .map(|host| (self.nodes[host].life, self.nodes[host].held()))
            .collect();
        for (life, view) in views {
            self.check(|invariant, truth| invariant.ended(life, &view, truth));
        }
    }

    /// The lives that go on.
    #[must_use]
    pub fn living(&self) -> Vec<LifeIndex> {
        self.live_hosts()
            .map(|host| self.nodes[host].life)
            .collect()
    }

    /// The hosts on which a process goes on.
    pub fn live_hosts(&self) -> impl Iterator<Item = usize> + '_ {
        let hosts = 0..self.nodes.len();
        hosts.filter(|host| !self.truth.is_over(self.nodes[*host].life))
    }

    /// The life on a host.
    #[must_use]
    pub fn life_on(&self, host: usize) -> LifeIndex {
        self.nodes[host].life
    }

    /// What each node has sent; bytes only if they are being weighed.
    #[must_use]
    pub fn traffic(&self) -> Vec<Sent> {
        self.nodes.iter().map(|node| node.sent).collect()
    }

    /// The hosts of those with whom a node has sessions because they are its neighbours.
    #[must_use]
    pub fn neighbours(&self, host: usize) -> Vec<usize> {
        self.nodes[host]
            .neighbours
            .iter()
            .map(|life| self.truth.life(*life).node)
            .collect()
    }

    /// The hosts of those who observe a node.
    #[must_use]
    pub fn observers(&self, host: usize) -> Vec<usize> {
        let observers = self.nodes[host].machine.observer_lives();
        let lives = observers
            .into_iter()
            .map(|creation| self.creations[&creation]);
        lives.map(|life| self.truth.life(life).node).collect()
    }

    /// Whether each live node holds exactly the live nodes of its side for up, if those listed are
    /// one side and all others are the other.
    #[must_use]
    pub fn holds_sides(&self, apart: &[usize]) -> bool {
        let is_apart = |life: LifeIndex| apart.contains(&self.truth.life(life).node);
        let (one, other): (Vec<_>, Vec<_>) = self.living().into_iter().partition(|l| is_apart(*l));
        [one, other].iter().all(|side| {
            side.iter().all(|life| {
                let node = &self.nodes[self.truth.life(*life).node];
                node.held().len() == side.len() - 1
                    && side.iter().all(|peer| peer == life || node.holds(*peer))
            })
        })
    }

    /// Has every message weighed from now on, as it would be on the wire.
    pub fn weigh(&mut self) {
        self.is_weighing = true;
    }

    /// A random number generator that belongs to the run.
    pub const fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    pub(crate) fn told(&mut self, told: Told) {
        self.check(|invariant, truth| invariant.saw(&told, truth));
        match told.what {
            What::Up | What::Down(_) => self.log.push(told),
            What::Lost => self.lost += 1,
            What::Rested => self.rested += 1,
            What::Wanted | What::Opened => {}
        }
    }

    pub(crate) fn weighed(&mut self, who: LifeIndex, load: Load) {
        self.check(|invariant, truth| invariant.weighed(who, load, truth));
    }

    fn check(&mut self, mut rule: impl FnMut(&mut dyn Invariant, &Truth) -> Result<(), String>) {
        for invariant in &mut self.invariants {
            if let Err(what) = rule(invariant.as_mut(), &self.truth)
                && self.violations.len() < VIOLATIONS_MAX
            {
                let violation = Violation::new(invariant.name(), self.now, what);
                self.violations.push(violation);
            }
        }
    }

    pub(crate) fn local(&self, host: usize) -> Instant {
        self.nodes[host].local(self.base, self.now)
    }
}
