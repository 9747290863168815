//! Pure: the sessions, and which of two that cross is kept.
//!
//! A dialler learns who answers before it says who it is, and goes on only if it has neither a
//! session with that life, nor one that it accepted, nor another dial that went on. So of two
//! dials that cross, both go on only if each side had gone on before it was asked. Then the node
//! with the smaller identity declines what it is asked, and the other accepts: the connection
//! dialled by the smaller identity wins, on both sides.
//!
//! A dial from a peer with which we do have a session shows, for the same reason, that the peer
//! lost it, and the new one takes its place. There is one exception: we are the smaller, our own
//! dial has just won, and the peer's request was on its way meanwhile. We tell the two apart by
//! the age of the session, which in the exception is less than a handshake may take. And a session
//! that goes to rest is not replaced: its end is on its way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use noex_core::{Creation, Peer};

use super::output::SessionId;
use super::rings::Slot;

/// The longest that a handshake may take.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Which side dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// This node.
    Own,
    /// The other one.
    Peer,
}

/// An open session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// With whom, in the table of members.
    pub slot: Slot,
    /// Who dialled.
    pub side: Side,
    /// Since when.
    pub opened_at: Instant,
    /// When authenticated bytes came last.
    pub heard_at: Instant,
    /// When we last told the peer all that we know.
    pub told_at: Option<Instant>,
    /// Whether the peer ended its lane in order.
    pub is_lane_ended: bool,
    /// Whether it is being closed because nobody has any use for it.
    pub rest: Option<Rest>,
}

/// How far a session is closed for which nobody has any use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest {
    /// After this it counts as lost.
    pub until: Instant,
    /// Whether the peer has had all that we sent.
    pub is_confirmed: bool,
}

/// The sessions, open or accepted.
#[derive(Debug, Default)]
pub(crate) struct SessionTable {
    open: BTreeMap<SessionId, Session>,
    accepting: BTreeMap<SessionId, Peer>,
}

/// What becomes of a request for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is accepted; it takes the place of any other.
    Accept,
    /// Our own dial wins.
    Crossing,
    /// Our own dial has won, or the session that there is has yet to close.
    AlreadyConnected,
}

impl SessionTable {
    /// A request was accepted. The accepted one that it takes the place of, if there was one.
    pub(crate) fn accept(&mut self, session: SessionId, peer: Peer) -> Option<SessionId> {
        let before = self.accepting_of(peer.creation);
        if let Some(before) = before {
            self.accepting.remove(&before);
        }
        self.accepting.insert(session, peer);
        before
    }

    /// An accepted session opened, or came to nothing: with whom.
    pub(crate) fn end_accept(&mut self, session: SessionId) -> Option<Peer> {
        self.accepting.remove(&session)
    }

    /// All streams of a session are there.
    pub(crate) fn open(&mut self, session: SessionId, slot: Slot, side: Side, now: Instant) {
        self.open.insert(
            session,
            Session {
                slot,
                side,
                opened_at: now,
                heard_at: now,
                told_at: None,
                is_lane_ended: false,
                rest: None,
            },
        );
    }

    /// A session closed.
    pub(crate) fn close(&mut self, session: SessionId) -> Option<Session> {
        self.open.remove(&session)
    }

    /// An open session.
    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut Session> {
        self.open.get_mut(&session)
    }

    /// An open session.
    pub(crate) fn get(&self, session: SessionId) -> Option<&Session> {
        self.open.get(&session)
    }

    /// How far an open session is closed for which nobody has any use.
    pub(crate) fn rest_mut(&mut self, session: SessionId) -> Option<&mut Rest> {
        self.open.get_mut(&session)?.rest.as_mut()
    }

    /// The sessions that should have been closed by now.
    pub(crate) fn overdue_rests(&self, now: Instant) -> Vec<SessionId> {
        let is_overdue = |rest: Rest| rest.until <= now;
        let overdue = self
            .open
            .iter()
            .filter(|(_, open)| open.rest.is_some_and(is_overdue));
        overdue.map(|(id, _)| *id).collect()
    }

    /// Whether a session with this life of a node was accepted, and is not open yet.
    pub(crate) fn is_accepting(&self, creation: Creation) -> bool {
        self.accepting_of(creation).is_some()
    }

    /// The open sessions.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.open.keys().copied()
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open or accepted.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.accepting.is_empty()
    }

    /// What becomes of the request of `peer`, with which `open` is open; `is_dialling` if a dial of
    /// ours went on to it.
    pub(crate) fn admit(
        &self,
        own: &Peer,
        peer: &Peer,
        open: Option<SessionId>,
        is_dialling: bool,
        now: Instant,
    ) -> Admission {
        let is_smaller = own.id < peer.id;
        if is_dialling && is_smaller {
            return Admission::Crossing;
        }
        let Some(session) = open.and_then(|open| self.get(open)) else {
            return Admission::Accept;
        };
        if session.rest.is_some() {
            // The peer has closed it, or lost it: either shows soon, and tells them apart.
            return Admission::AlreadyConnected;
        }
        let is_young = now.saturating_duration_since(session.opened_at) < HANDSHAKE_TIMEOUT;
        match session.side {
            Side::Own if is_smaller && is_young => Admission::AlreadyConnected,
            Side::Own | Side::Peer => Admission::Accept,
        }
    }

    fn accepting_of(&self, creation: Creation) -> Option<SessionId> {
        let mut accepting = self.accepting.iter();
        accepting
            .find(|(_, peer)| peer.creation == creation)
            .map(|(id, _)| *id)
    }
}
