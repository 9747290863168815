//! Pure: the membership machine: what happened comes in, what is to be done goes out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use noex_core::{NodeDownReason, Peer};
use rand::{SeedableRng, rngs::StdRng};

use super::dial_table::{Aim, DialTable};
use super::discovery::Discovery;
use super::input::Input;
use super::member::{Member, MemberTable, State};
use super::message::{Message, Record, Standing};
use super::output::{Endpoint, Notice, Output, SessionId};
use super::session_table::SessionTable;
use super::status::Status;
use crate::proto::backoff::BackoffPolicy;

/// How the machine is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// One heartbeat goes out to each session in this time, or a little earlier.
    pub heartbeat_interval: Duration,
    /// A member is down after this many intervals of silence.
    pub miss_threshold: u32,
    /// A node that found nobody in this time runs alone.
    pub join_timeout: Duration,
    /// Where nodes may be is asked this often.
    pub discovery_interval: Duration,
    /// How dials are spaced.
    pub backoff: BackoffPolicy,
}

/// What a node says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    /// Who it is.
    pub peer: Peer,
    /// Its static key.
    pub key: [u8; 32],
}

/// Decides whom to dial, which sessions to keep, and who is up.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(super) own: Own,
    pub(super) incarnation: u64,
    pub(super) rules: Rules,
    pub(super) rng: StdRng,
    pub(super) members: MemberTable,
    pub(super) sessions: SessionTable,
    pub(super) discovery: Discovery,
    pub(super) dials: DialTable,
    pub(super) status: Status,
    pub(super) timers: Timers,
    /// Whether the operator knows that another live node has our identity.
    is_name_taken_told: bool,
    pub(super) outputs: VecDeque<Output>,
}

/// When the machine acts of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    /// The next heartbeats.
    pub tick_at: Instant,
    /// The next exchange with a random member.
    pub gossip_at: Instant,
    /// When to stop waiting for the first member.
    pub join_at: Option<Instant>,
    /// When to stop waiting for farewells to be flushed.
    pub stop_at: Option<Instant>,
    /// Nobody is declared down for silence before.
    pub verdicts_at: Option<Instant>,
}

impl Rules {
    /// A member is down after this long a silence.
    pub(crate) fn detection_time(&self) -> Duration {
        self.heartbeat_interval * self.miss_threshold
    }
}

impl Machine {
    /// A node that knows nobody yet. `seeds` are the names expected behind each seed; `entropy`
    /// seeds the machine's random numbers.
    pub(crate) fn new(
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
            gossip_at: now,
            join_at,
            stop_at: None,
            verdicts_at: None,
        };
        let mut machine = Self {
            own,
            incarnation: 0,
            rules,
            rng: StdRng::seed_from_u64(entropy),
            members: MemberTable::new(rules.backoff),
            sessions: SessionTable::default(),
            discovery,
            dials: DialTable::default(),
            status: Status::Starting,
            timers,
            is_name_taken_told: false,
            outputs: VecDeque::new(),
        };
        if join_at.is_none() {
            machine.enter(Status::Running);
        }
        machine
    }

    /// Something happened.
    pub(crate) fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
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
                via,
            } => {
                self.session_opened(session, &peer, key, via, now);
            }
            Input::Closed { session, stream } => self.closed(session, stream, now),
            Input::Goodbye { session } => self.goodbye(session, now),
            Input::LaneEnded { session } => self.lane_ended(session, now),
            Input::Heard { session } => self.heard(session, now),
            Input::Message { session, message } => self.message(session, message, now),
            Input::Reconnect { node } => self.reconnect(&node, now),
            Input::Disconnect { node } => self.disconnect(&node, now),
            Input::Leave => self.leave(now),
        }
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. The shell reads its sockets
    /// first, so that a paused node does not take its own pause for the silence of others.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.status == Status::Stopped {
            return;
        }
        self.check_stop(now);
        self.check_tick(now);
        self.check_members(now);
        self.check_join(now);
        self.check_dials(now);
        self.check_gossip(now);
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.status == Status::Stopped {
            return None;
        }
        let Timers {
            tick_at,
            gossip_at,
            join_at,
            stop_at,
            verdicts_at,
        } = self.timers;
        if self.is_leaving() {
            return stop_at.map(|at| at.min(tick_at));
        }
        let held = |at: Instant| verdicts_at.map_or(at, |held| at.max(held));
        let detection = self.rules.detection_time();
        let members = self
            .members
            .iter()
            .filter_map(|member| member.timeout(detection));
        [
            Some(tick_at),
            Some(gossip_at),
            join_at,
            stop_at,
            self.discovery.timeout(),
        ]
        .into_iter()
        .flatten()
        .chain(members.map(held))
        .min()
    }

    /// How many sessions are open.
    pub(crate) fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many dials are under way.
    pub(crate) fn dial_count(&self) -> usize {
        self.dials.len()
    }

    /// How many members are remembered.
    pub(crate) fn member_count(&self) -> usize {
        self.members.iter().count()
    }

    pub(super) fn emit(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        if notice == Notice::NameTaken && std::mem::replace(&mut self.is_name_taken_told, true) {
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

    /// Begins a dial, unless the node leaves.
    pub(super) fn dial(&mut self, aim: Aim) {
        if self.is_leaving() {
            return;
        }
        let to = match &aim {
            Aim::Address(address) => Endpoint::Address(*address),
            Aim::Member(peer) => Endpoint::Node(peer.id.clone()),
        };
        let dial = self.dials.begin(aim);
        self.emit(Output::Dial { dial, to });
    }

    /// Adds this life of a node as learned, in place of any earlier one. `None` if there is no
    /// room, because too many members are up.
    pub(super) fn record(
        &mut self,
        peer: &Peer,
        key: [u8; 32],
        incarnation: u64,
        now: Instant,
    ) -> Option<&mut Member> {
        if self.members.is_full_for(&peer.id) {
            let Some(node) = self.members.forget_oldest() else {
                let node = peer.id.clone();
                self.notice(Notice::TooManyMembers { node });
                return None;
            };
            self.emit(Output::Forgotten { node });
        }
        Some(self.members.learn(peer, key, incarnation, now))
    }

    /// Counts a member as down: once for each time that it was up.
    pub(super) fn down(&mut self, peer: &Peer, reason: NodeDownReason, now: Instant) {
        let is_graceful = reason == NodeDownReason::GracefulShutdown;
        let Some(member) = self.members.get_mut(&peer.id) else {
            return;
        };
        if member.peer.creation != peer.creation || !member.is_up() {
            return;
        }
        let session = member.session();
        member.enter(
            if is_graceful {
                State::Left
            } else {
                State::Down
            },
            now,
        );
        let delay = member.backoff.next_delay(&mut self.rng);
        member.redial_at = (!is_graceful).then_some(now + delay);
        if let Some(session) = session {
            self.sessions.close(session);
            self.emit(Output::CloseSession { session });
        }
        for (dial, ended) in self.dials.end_all_to(peer) {
            self.emit(Output::CancelDial { dial });
            self.dial_again(&ended.aim, now);
        }
        self.discovery.lost(peer.creation, now, &mut self.rng);
        self.emit(Output::PeerDown {
            peer: peer.clone(),
            reason,
        });
        if is_graceful && !self.is_leaving() {
            self.tell_others(peer);
        }
    }

    /// Tells everybody else what we know of `peer`.
    pub(super) fn tell_others(&mut self, peer: &Peer) {
        let Some(record) = self.members.life(peer).and_then(|member| member.record()) else {
            return;
        };
        let others: Vec<SessionId> = self.sessions.ids_but(peer.creation).collect();
        for session in others {
            let message = Message::Members(vec![record.clone()]);
            self.emit(Output::Send { session, message });
        }
    }

    /// Tells one session all that we know, ourselves included.
    pub(super) fn tell_all(&mut self, session: SessionId) {
        let own = Record {
            peer: self.own.peer.clone(),
            key: self.own.key,
            incarnation: self.incarnation,
            standing: Standing::Up,
        };
        let records: Vec<Record> = self
            .members
            .iter()
            .filter_map(|member| member.record())
            .chain([own])
            .collect();
        for message in Message::members(&records) {
            self.emit(Output::Send { session, message });
        }
    }
}
