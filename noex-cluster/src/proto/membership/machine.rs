//! Pure: the membership machine: what happened comes in, what is to be done goes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, Peer};
use rand::{SeedableRng, rngs::StdRng};

use super::dial_table::DialTable;
use super::discovery::Discovery;
use super::flaw::Flaw;
use super::health::Health;
use super::input::Input;
use super::inquiries::Inquiries;
use super::link_table::LinkTable;
use super::member::MemberTable;
use super::message::{Life, Record, Standing, Who};
use super::neighbour_table::NeighbourTable;
use super::outbox::Outbox;
use super::output::{Notice, Output, SessionId};
use super::rings::{Place, Rings, Slot};
use super::roll::Roll;
use super::rumours::Rumours;
use super::session_table::SessionTable;
use super::status::Status;
use super::suspicion::SuspicionTable;
use super::sync::Sync;
use crate::proto::backoff::BackoffPolicy;

/// How many others observe each node: up to nine nodes all observe each other.
pub const OBSERVERS: usize = 8;

/// How the machine is set up.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// One heartbeat goes out to each observer in this time, or a little earlier.
    pub heartbeat_interval: Duration,
    /// A member is down after this many intervals of silence.
    pub miss_threshold: u32,
    /// A node that found nobody in this time runs alone.
    pub join_timeout: Duration,
    /// Where nodes may be is asked this often.
    pub discovery_interval: Duration,
    /// How dials are spaced.
    pub backoff: BackoffPolicy,
    /// How many others observe each node.
    pub observers: usize,
    /// What is broken on purpose, to see whether the simulator notices.
    pub flaw: Flaw,
}

/// What a node says of itself.
#[derive(Debug, Clone)]
pub struct Own {
    /// Who it is.
    pub peer: Peer,
    /// Its static key.
    pub key: [u8; 32],
    /// Its first incarnation: more than any that a former life of the node has had. When the node
    /// started is such a number.
    pub incarnation: u64,
}

/// Decides whom to dial, which sessions to keep, and who is up.
#[derive(Debug)]
pub struct Machine {
    pub(super) own: Own,
    pub(super) who: Arc<Who>,
    pub(super) incarnation: u64,
    pub(super) rules: Rules,
    pub(super) rng: StdRng,
    pub(super) members: MemberTable,
    /// Everybody who is up, and who went down not long ago.
    pub(super) rings: Rings,
    /// Who went down not long ago, and when to take it off the rings.
    pub(super) fallen: VecDeque<(Instant, Place)>,
    pub(super) neighbours: NeighbourTable,
    /// Who is down, and did not say goodbye.
    pub(super) lost: BTreeSet<Slot>,
    pub(super) sessions: SessionTable,
    /// Sessions over which news is flooded too, for a while.
    pub(super) edges: BTreeMap<SessionId, Instant>,
    pub(super) discovery: Discovery,
    pub(super) dials: DialTable,
    pub(super) links: LinkTable,
    pub(super) suspicions: SuspicionTable,
    /// Downs that others told of, and until when the member may show that it lives.
    pub(super) reports: BTreeMap<Creation, (u64, Instant)>,
    /// For whom another node vouched, and until when that counts more than votes for silence.
    pub(super) vouched: BTreeMap<Creation, Instant>,
    pub(super) roll: Option<Roll>,
    /// Who said lately that it is present, before we saw a reason to call the roll.
    pub(super) heralds: BTreeMap<Creation, Instant>,
    pub(super) outbox: Outbox,
    pub(super) inquiries: Inquiries,
    pub(super) rumours: Rumours,
    pub(super) health: Health,
    pub(super) sync: Sync,
    pub(super) status: Status,
    pub(super) timers: Timers,
    /// The other life of this node that we have shown to be older than this one.
    pub(super) outbid: Option<Creation>,
    /// Whether the operator knows that another live node has our identity.
    is_name_taken_told: bool,
    /// Who refused us first because another life of us is up, and since when.
    pub(super) name_refused: Option<(Creation, Instant)>,
    pub(super) told_neighbours: Vec<Creation>,
    pub(super) outputs: VecDeque<Output>,
}

/// When the machine acts of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    /// The next heartbeats.
    pub tick_at: Instant,
    /// When to stop waiting for the first member.
    pub join_at: Option<Instant>,
    /// When to stop waiting for farewells to be flushed.
    pub stop_at: Option<Instant>,
    /// Nobody is declared down for silence before.
    pub verdicts_at: Option<Instant>,
    /// When to look at all suspicions.
    pub judge_at: Option<Instant>,
    /// When to find the neighbours anew.
    pub rings_at: Option<Instant>,
    /// When a member that said goodbye counts as gone in any case.
    pub parting_at: Option<Instant>,
    /// When to look for members that have been gone for long.
    pub forget_at: Instant,
    /// Whether the neighbours with a session may have changed.
    pub is_neighbourhood_changed: bool,
}

impl Rules {
    /// A member is down after this long a silence.
    #[must_use]
    pub fn detection_time(&self) -> Duration {
        self.heartbeat_interval * self.miss_threshold
    }

    /// A member is asked after this long a silence.
    pub(super) fn patience(&self) -> Duration {
        self.heartbeat_interval * (self.miss_threshold - 1)
    }

    /// The longest silence that a vote for silence tells of: so a suspect always has the rest of
    /// the detection time to show that it lives.
    pub(super) fn age_max(&self) -> Duration {
        self.detection_time() - self.heartbeat_interval.mul_f64(0.6)
    }
}

impl Machine {
    /// A node that knows nobody yet. `seeds` are the names expected behind each seed; `entropy`
    /// seeds the machine's random numbers.
    #[must_use]
    pub fn new(
        own: Own,
        rules: Rules,
        seeds: Vec<Option<String>>,
        entropy: u64,
        now: Instant,
    ) -> Self {
        let discovery = Discovery::new(seeds, rules.discovery_interval, rules.backoff, now);
        let join_at = (!discovery.is_empty()).then_some(now + rules.join_timeout);
        let timers = Timers {
            tick_at: now,
            join_at,
            stop_at: None,
            verdicts_at: None,
            judge_at: None,
            rings_at: None,
            parting_at: None,
            forget_at: now,
            is_neighbourhood_changed: false,
        };
        let who = Arc::new(Who {
            peer: own.peer.clone(),
            key: own.key,
        });
        let incarnation = own.incarnation;
        let mut machine = Self {
            own,
            who,
            incarnation,
            rules,
            rng: StdRng::seed_from_u64(entropy),
            members: MemberTable::default(),
            rings: Rings::new(rules.observers),
            fallen: VecDeque::new(),
            neighbours: NeighbourTable::default(),
            lost: BTreeSet::new(),
            sessions: SessionTable::default(),
            edges: BTreeMap::new(),
            discovery,
            dials: DialTable::default(),
            links: LinkTable::default(),
            suspicions: SuspicionTable::default(),
            reports: BTreeMap::new(),
            vouched: BTreeMap::new(),
            roll: None,
            heralds: BTreeMap::new(),
            outbox: Outbox::default(),
            inquiries: Inquiries::default(),
            rumours: Rumours::default(),
            health: Health::new(now),
            sync: Sync::new(now),
            status: Status::Starting,
            timers,
            outbid: None,
            is_name_taken_told: false,
            name_refused: None,
            told_neighbours: Vec::new(),
            outputs: VecDeque::new(),
        };
        machine.rings.insert(machine.own_place());
        machine.sync.toggle(machine.own_life());
        if join_at.is_none() {
            machine.enter(Status::Running);
        }
        machine
    }

    /// Something happened.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
            Input::Heard { session } => return self.heard(session, now),
            Input::Resolved { seed, addresses } => {
                self.discovery
                    .resolved(seed, &addresses, now, &mut self.rng);
            }
            Input::Identified { dial, peer, key } => self.identified(dial, &peer, key, now),
            Input::DialFailed { dial, how } => self.dial_failed(dial, &how, now),
            Input::Asked { session, peer, key } => self.asked(session, peer, key, now),
            Input::AcceptFailed { session } => self.accept_failed(session, now),
            Input::SessionOpened {
                session,
                peer,
                key,
                incarnation,
                via,
            } => {
                let record = Record {
                    who: Arc::new(Who { peer, key }),
                    incarnation,
                    standing: Standing::Up,
                };
                self.session_opened(session, record, via, now);
            }
            Input::Closed { session, stream } => self.closed(session, stream, now),
            Input::Goodbye { session } => self.goodbye(session, now),
            Input::LaneEnded { session } => self.lane_ended(session, now),
            Input::Message { session, message } => self.message(session, message, now),
            Input::Wanted { peer } => self.wanted(peer, now),
            Input::Rest { session } => self.rest(session, now),
            Input::Reconnect { node } => self.reconnect(&node, now),
            Input::Disconnect { node } => self.disconnect(&node, now),
            Input::Leave => self.leave(now),
        }
        self.finish(now);
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. The shell reads its sockets
    /// first, so that a paused node does not take its own pause for the silence of others.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.status == Status::Stopped {
            return;
        }
        self.check_stop(now);
        self.check_tick(now);
        self.check_partings(now);
        self.check_rings(now);
        self.check_inquiries(now);
        self.check_watches(now);
        self.check_roll(now);
        self.check_suspicions(now);
        self.check_join(now);
        self.check_discovery(now);
        self.check_links(now);
        self.check_sync(now);
        self.finish(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.status == Status::Stopped {
            return None;
        }
        let timers = &self.timers;
        if self.is_leaving() {
            return timers.stop_at.map(|at| at.min(timers.tick_at));
        }
        let held = |at: Instant| timers.verdicts_at.map_or(at, |held| at.max(held));
        let fixed = [
            Some(timers.tick_at),
            Some(self.sync.timeout()),
            timers.join_at,
            timers.judge_at.map(held),
            timers.rings_at,
            timers.parting_at,
            self.discovery.timeout(),
            self.links.timeout(),
            self.suspicions.timeout().map(held),
            self.outbox.timeout(),
            self.inquiries.timeout(),
            self.roll.as_ref().and_then(Roll::timeout),
            self.neighbours.timeout(),
        ];
        fixed.into_iter().flatten().min()
    }

    /// How many sessions are open.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many dials are under way.
    #[must_use]
    pub fn dial_count(&self) -> usize {
        self.dials.len()
    }

    /// How many members are remembered.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Sends what is due, and tells what has changed.
    fn finish(&mut self, now: Instant) {
        self.flush(now);
        self.neighbours.settle();
        if self.timers.is_neighbourhood_changed {
            self.timers.is_neighbourhood_changed = false;
            self.tell_neighbours();
        }
    }

    pub(super) fn emit(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        let is_name_taken = matches!(notice, Notice::NameTaken { .. });
        if is_name_taken && std::mem::replace(&mut self.is_name_taken_told, true) {
            // Whoever has our identity is met again and again.
            return;
        }
        self.emit(Output::Notice(notice));
    }

    pub(super) fn enter(&mut self, status: Status) {
        if self.status != status {
            self.status = status;
            self.emit(Output::Status(status));
        }
    }

    pub(super) const fn is_leaving(&self) -> bool {
        matches!(self.status, Status::Stopping | Status::Stopped)
    }

    /// Where this node stands on the rings.
    pub(super) const fn own_place(&self) -> Place {
        Place {
            creation: self.own.peer.creation,
            slot: Slot::OWN,
        }
    }

    /// This node at its incarnation.
    pub(super) const fn own_life(&self) -> Life {
        Life {
            creation: self.own.peer.creation,
            incarnation: self.incarnation,
        }
    }

    /// What the others are told of this node.
    pub(super) fn own_record(&self) -> Record {
        Record {
            who: Arc::clone(&self.who),
            incarnation: self.incarnation,
            standing: Standing::Up,
        }
    }
}
