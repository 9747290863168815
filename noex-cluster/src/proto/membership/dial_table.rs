//! Pure: the dials that are under way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use noex_core::{Creation, Peer};

use super::output::DialId;

/// Whom a dial looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Whoever is behind an address of a seed.
    Address(SocketAddr),
    /// This life of a node, to have a session with it.
    Member(Peer),
    /// This life of a node, to pass on news if there are few others in reach.
    Contact(Peer),
    /// This life of a node, to know whether it answers.
    Sight(Peer),
}

/// A dial that is under way.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    /// Whom it looks for.
    pub aim: Aim,
    /// Since when.
    pub began_at: Instant,
    /// Who answered, once we went on to say who we are.
    pub found: Option<Peer>,
}

/// The dials that are under way.
#[derive(Debug, Default)]
pub(crate) struct DialTable {
    dials: BTreeMap<DialId, Dial>,
    last: u64,
}

impl Aim {
    /// The member that is looked for.
    pub(crate) const fn peer(&self) -> Option<&Peer> {
        match self {
            Self::Address(_) => None,
            Self::Member(peer) | Self::Contact(peer) | Self::Sight(peer) => Some(peer),
        }
    }
}

impl DialTable {
    /// Begins a dial.
    pub(crate) fn begin(&mut self, aim: Aim, now: Instant) -> DialId {
        self.last += 1;
        let dial = DialId(self.last);
        self.dials.insert(
            dial,
            Dial {
                aim,
                began_at: now,
                found: None,
            },
        );
        dial
    }

    /// Ends a dial.
    pub(crate) fn end(&mut self, dial: DialId) -> Option<Dial> {
        self.dials.remove(&dial)
    }

    /// Ends every dial that is bound for this life of a node.
    pub(crate) fn end_all_to(&mut self, peer: &Peer) -> Vec<(DialId, Dial)> {
        let is_bound =
            |dial: &Dial| dial.found.as_ref() == Some(peer) || dial.aim.peer() == Some(peer);
        self.dials
            .extract_if(.., |_, dial| is_bound(dial))
            .collect()
    }

    /// Ends all dials on which we have not said who we are.
    pub(crate) fn end_all_not_proceeding(&mut self) -> Vec<DialId> {
        let ended = self.dials.extract_if(.., |_, dial| dial.found.is_none());
        ended.map(|(id, _)| id).collect()
    }

    /// Ends the dials to members that nobody has answered for longer than they may take.
    pub(crate) fn end_unanswered(
        &mut self,
        now: Instant,
        is_too_old: impl Fn(&Peer, Duration) -> bool,
    ) -> Vec<(DialId, Dial)> {
        let is_overdue = |dial: &Dial| {
            let age = now.saturating_duration_since(dial.began_at);
            let peer = dial.aim.peer();
            dial.found.is_none() && peer.is_some_and(|peer| is_too_old(peer, age))
        };
        self.dials
            .extract_if(.., |_, dial| is_overdue(dial))
            .collect()
    }

    /// Ends the dials for a contact that nobody has answered.
    pub(crate) fn end_contacts(&mut self) -> Vec<DialId> {
        let is_open = |dial: &Dial| dial.found.is_none() && matches!(dial.aim, Aim::Contact(_));
        let ended = self.dials.extract_if(.., |_, dial| is_open(dial));
        ended.map(|(id, _)| id).collect()
    }

    /// The dial goes on to say to `peer` who we are.
    pub(crate) fn proceed(&mut self, dial: DialId, peer: Peer) {
        if let Some(dial) = self.dials.get_mut(&dial) {
            dial.found = Some(peer);
        }
    }

    /// The dial looks for `peer` from now on, who answered in place of another.
    pub(crate) fn aim_at(&mut self, dial: DialId, peer: Peer) {
        if let Some(dial) = self.dials.get_mut(&dial) {
            dial.aim = Aim::Member(peer);
        }
    }

    /// A dial.
    pub(crate) fn get(&self, dial: DialId) -> Option<&Dial> {
        self.dials.get(&dial)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.dials.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.dials.is_empty()
    }

    /// Whether a dial for a session with this life of a node is under way.
    pub(crate) fn is_dialling(&self, peer: &Peer) -> bool {
        let is_bound = |dial: &Dial| match &dial.aim {
            Aim::Member(aim) | Aim::Contact(aim) => aim == peer,
            Aim::Address(_) | Aim::Sight(_) => dial.found.as_ref() == Some(peer),
        };
        self.dials.values().any(is_bound)
    }

    /// Whether a dial to see whether this life of a node answers is under way.
    pub(crate) fn is_looking_at(&self, peer: &Peer) -> bool {
        let is_looking = |dial: &Dial| matches!(&dial.aim, Aim::Sight(aim) if aim == peer);
        self.dials.values().any(is_looking)
    }

    /// Whether a dial to an address went on.
    pub(crate) fn is_meeting(&self) -> bool {
        let is_meeting = |dial: &Dial| dial.found.is_some() && matches!(dial.aim, Aim::Address(_));
        self.dials.values().any(is_meeting)
    }

    /// Whether a dial went on to this life of a node.
    pub(crate) fn is_proceeding_to(&self, creation: Creation) -> bool {
        let mut found = self.dials.values().filter_map(|dial| dial.found.as_ref());
        found.any(|peer| peer.creation == creation)
    }
}
