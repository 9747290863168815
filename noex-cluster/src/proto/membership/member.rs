//! Pure: the table of members, and what is known of each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use noex_core::{Creation, NodeId, Peer};

use super::message::{Record, Standing};
use super::output::SessionId;
use crate::proto::backoff::{Backoff, BackoffPolicy};

/// The most members that are kept.
pub(crate) const MEMBERS_MAX: usize = 4_096;

/// How long a member that is not up is remembered.
pub(crate) const MEMORY: Duration = Duration::from_hours(24);

/// One member, in the last of its lives that we know.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Who.
    pub peer: Peer,
    /// The static key of its sessions in this life.
    pub key: [u8; 32],
    /// The highest one we heard of.
    pub incarnation: u64,
    /// Whether it is up.
    pub state: State,
    /// When it came into this state.
    pub since: Instant,
    /// The delays between dials.
    pub backoff: Backoff,
    /// When to dial it; `None` while it is being dialled, has a session, or left.
    pub redial_at: Option<Instant>,
}

/// Whether a member is up.
///
/// ```text
/// Learned ──session──▶ Up{session} ◀──lost, redialled──▶ Up{no session}
///                       │    │                            │
///                    goodbye └──silent for T──▶ Down ◀────┘ refused, reset, other life, silent
///                       ▼                        │
///                    Leaving ──lane ended──▶ Left ──session──▶ Up (so does Down)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Another member told of it.
    Learned,
    /// It is up; without a session while the lost one is being redialled.
    Up {
        /// When an authenticated byte came last.
        heard_at: Instant,
        /// The session with it.
        session: Option<SessionId>,
    },
    /// It said goodbye; what it sent before is still being delivered.
    Leaving {
        /// The session with it.
        session: SessionId,
        /// When it counts as down in any case.
        deadline: Instant,
    },
    /// It was silent, or its connections closed. It is redialled.
    Down,
    /// It said goodbye. It is not redialled.
    Left,
}

/// The members, by identity.
#[derive(Debug)]
pub(crate) struct MemberTable {
    members: BTreeMap<NodeId, Member>,
    policy: BackoffPolicy,
}

impl Member {
    /// Whether it counts as up.
    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. } | State::Leaving { .. })
    }

    /// The session with it, if there is one.
    pub(crate) const fn session(&self) -> Option<SessionId> {
        match self.state {
            State::Up { session, .. } => session,
            State::Leaving { session, .. } => Some(session),
            State::Learned | State::Down | State::Left => None,
        }
    }

    /// Whether it is up and its session was lost.
    pub(crate) const fn is_broken(&self) -> bool {
        matches!(self.state, State::Up { session: None, .. })
    }

    /// Goes into `state`.
    pub(crate) const fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.since = now;
    }

    /// What the others are told of it; nothing if it is neither up nor gone in order.
    pub(crate) fn record(&self) -> Option<Record> {
        let standing = match self.state {
            State::Up { .. } => Standing::Up,
            State::Leaving { .. } | State::Left => Standing::Left,
            State::Learned | State::Down => return None,
        };
        let Self {
            peer,
            key,
            incarnation,
            ..
        } = self;
        Some(Record {
            peer: peer.clone(),
            key: *key,
            incarnation: *incarnation,
            standing,
        })
    }

    /// When something is to be done about it, if nothing happens before.
    pub(crate) fn timeout(&self, detection: Duration) -> Option<Instant> {
        let state = match self.state {
            State::Up { heard_at, .. } => Some(heard_at + detection),
            State::Leaving { deadline, .. } => Some(deadline),
            State::Learned | State::Down | State::Left => None,
        };
        state.into_iter().chain(self.redial_at).min()
    }
}

impl MemberTable {
    /// Knows nobody.
    pub(crate) const fn new(policy: BackoffPolicy) -> Self {
        Self {
            members: BTreeMap::new(),
            policy,
        }
    }

    /// Adds this life of a node as learned, in place of any earlier one. There must be room.
    pub(crate) fn learn(
        &mut self,
        peer: &Peer,
        key: [u8; 32],
        incarnation: u64,
        now: Instant,
    ) -> &mut Member {
        let member = Member {
            peer: peer.clone(),
            key,
            incarnation,
            state: State::Learned,
            since: now,
            backoff: Backoff::new(self.policy),
            redial_at: None,
        };
        let entry = self.members.entry(peer.id.clone());
        entry.insert_entry(member).into_mut()
    }

    /// Makes room by forgetting who has been gone for longest.
    pub(crate) fn forget_oldest(&mut self) -> Option<NodeId> {
        let gone = self.members.values().filter(|member| !member.is_up());
        let oldest = gone.min_by_key(|member| member.since)?.peer.id.clone();
        self.members.remove(&oldest);
        Some(oldest)
    }

    /// Forgets those that have not been up for long; their identities.
    pub(crate) fn forget_old(&mut self, now: Instant) -> Vec<NodeId> {
        let old = |m: &Member| !m.is_up() && now.saturating_duration_since(m.since) >= MEMORY;
        self.members
            .extract_if(.., |_, member| old(member))
            .map(|(id, _)| id)
            .collect()
    }

    /// The member with this identity.
    pub(crate) fn get_mut(&mut self, id: &NodeId) -> Option<&mut Member> {
        self.members.get_mut(id)
    }

    /// All members.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.members.values_mut()
    }

    /// The member with this identity.
    pub(crate) fn get(&self, id: &NodeId) -> Option<&Member> {
        self.members.get(id)
    }

    /// The member with this identity, if this is the life that we know of it.
    pub(crate) fn life(&self, peer: &Peer) -> Option<&Member> {
        self.members
            .get(&peer.id)
            .filter(|member| member.peer.creation == peer.creation)
    }

    /// The static key known for this life.
    pub(crate) fn key_of(&self, creation: Creation) -> Option<[u8; 32]> {
        self.members
            .values()
            .find(|m| m.peer.creation == creation)
            .map(|member| member.key)
    }

    /// All members.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Whether somebody must be forgotten before a node with this identity is learned.
    pub(crate) fn is_full_for(&self, id: &NodeId) -> bool {
        self.members.len() >= MEMBERS_MAX && !self.members.contains_key(id)
    }
}
