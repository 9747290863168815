//! Pure: the table of members, and what is known of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, NodeId, Peer};

use super::message::{Life, Record, Standing, Who};
use super::output::SessionId;
use super::rings::{Place, Slot};

/// The most members that are kept.
pub(crate) const MEMBERS_MAX: usize = 16_384;

/// How long a member that is not up is remembered.
pub(crate) const MEMORY: Duration = Duration::from_hours(24);

/// One member, in the last of its lives that we know.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Who.
    pub who: Arc<Who>,
    /// Whether it proved its key to us; else somebody told us of it.
    pub is_proved: bool,
    /// The highest one we heard of.
    pub incarnation: u64,
    /// How it stands in the cluster.
    pub standing: Standing,
    /// When it came to stand so.
    pub since: Instant,
    /// How it stands to this node.
    pub tie: Tie,
    /// The open session with it.
    pub session: Option<SessionId>,
    /// Another life that was told to be up; it is believed once this one is not up.
    pub successor: Option<Box<Record>>,
}

/// How a member stands to this node, as its users are told.
///
/// ```text
/// Apart ──it is up──▶ Near ──it leaves, and a session is open──▶ Parting ──lane ended──▶ Apart
///                      │──it is down, or leaves, and no session is open──▶ Apart
///                      │──disconnected──▶ Shunned ──reconnected──▶ Near
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tie {
    /// Users were not told that it is up, or were told that it is down.
    Apart,
    /// Users were told that it is up.
    Near,
    /// It said goodbye; what it sent before is still being delivered.
    Parting {
        /// When it counts as gone in any case.
        deadline: Instant,
        /// Whether it goes on without us.
        is_shunned: bool,
    },
    /// One of the two wants no session with the other, which to both is as if it had left.
    Shunned,
}

/// The members, by identity and by life.
#[derive(Debug, Default)]
pub(crate) struct MemberTable {
    slots: Vec<Option<Member>>,
    free: Vec<Slot>,
    by_id: BTreeMap<NodeId, Slot>,
    by_life: BTreeMap<Creation, Slot>,
}

impl Member {
    /// Whether it is up in the cluster.
    pub(crate) fn is_up(&self) -> bool {
        self.standing == Standing::Up
    }

    /// Whether this node wants a session with it, if it is a neighbour.
    pub(crate) fn is_welcome(&self) -> bool {
        self.is_up() && self.tie == Tie::Near
    }

    /// Whether it is up and users were not told so: a session with it, which they had ended, is
    /// wanted again.
    pub(crate) fn is_missed(&self) -> bool {
        self.is_up() && self.tie == Tie::Apart
    }

    /// Stands so from now on.
    pub(crate) const fn stand(&mut self, standing: Standing, now: Instant) {
        self.standing = standing;
        self.since = now;
    }

    /// Who, in which life.
    pub(crate) fn peer(&self) -> &Peer {
        &self.who.peer
    }

    /// Which life.
    pub(crate) fn creation(&self) -> Creation {
        self.who.peer.creation
    }

    /// Whether this key is another one than it proved to have. What others tell of its key proves
    /// nothing, so it can't keep out who does have another.
    pub(crate) fn contradicts(&self, key: [u8; 32]) -> bool {
        self.is_proved && self.who.key != key
    }

    /// It proved to have the key of `who`.
    pub(crate) fn prove(&mut self, who: &Arc<Who>) {
        self.who = Arc::clone(who);
        self.is_proved = true;
    }

    /// Its life at its incarnation.
    pub(crate) fn life(&self) -> Life {
        Life {
            creation: self.creation(),
            incarnation: self.incarnation,
        }
    }

    /// What the others are told of it.
    pub(crate) fn record(&self) -> Record {
        Record {
            who: Arc::clone(&self.who),
            incarnation: self.incarnation,
            standing: self.standing,
        }
    }
}

impl MemberTable {
    /// Adds a node, as down: it was never up to us. There must be room, and no other life of it.
    pub(crate) fn insert(&mut self, record: &Record, now: Instant) -> Slot {
        let member = Member {
            who: Arc::clone(&record.who),
            is_proved: false,
            incarnation: record.incarnation,
            standing: Standing::Down,
            since: now,
            tie: Tie::Apart,
            session: None,
            successor: None,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // The table has room for less than a slot can say.
            Slot(u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX))
        });
        self.by_id.insert(member.who.peer.id.clone(), slot);
        self.by_life.insert(member.creation(), slot);
        self.slots[slot.0 as usize] = Some(member);
        slot
    }

    /// Puts another life of its node in the place of one that is not up.
    pub(crate) fn succeed(&mut self, slot: Slot, record: &Record, now: Instant) {
        let Some(member) = self.get_mut(slot) else {
            return;
        };
        let over = member.creation();
        member.who = Arc::clone(&record.who);
        member.is_proved = false;
        member.incarnation = record.incarnation;
        member.stand(Standing::Down, now);
        member.tie = Tie::Apart;
        member.session = None;
        member.successor = None;
        self.by_life.remove(&over);
        self.by_life.insert(record.who.peer.creation, slot);
    }

    /// Who has been gone for longest.
    pub(crate) fn oldest_gone(&self) -> Option<Slot> {
        let gone = self.iter().filter(|(_, member)| !member.is_up());
        gone.min_by_key(|(_, member)| member.since)
            .map(|(slot, _)| slot)
    }

    /// Those that have not been up for long.
    pub(crate) fn old(&self, now: Instant) -> Vec<Slot> {
        let old = |m: &Member| !m.is_up() && now.saturating_duration_since(m.since) >= MEMORY;
        let old = self.iter().filter(|(_, member)| old(member));
        old.map(|(slot, _)| slot).collect()
    }

    /// Forgets a member.
    pub(crate) fn forget(&mut self, slot: Slot) -> Option<Member> {
        let member = self.slots.get_mut(slot.0 as usize)?.take()?;
        self.by_id.remove(&member.who.peer.id);
        self.by_life.remove(&member.creation());
        self.free.push(slot);
        Some(member)
    }

    /// The member in a slot.
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Member> {
        self.slots.get_mut(slot.0 as usize)?.as_mut()
    }

    /// The member in a slot.
    pub(crate) fn get(&self, slot: Slot) -> Option<&Member> {
        self.slots.get(slot.0 as usize)?.as_ref()
    }

    /// The member in a slot, which is up.
    pub(crate) fn is_up(&self, slot: Slot) -> bool {
        self.get(slot).is_some_and(Member::is_up)
    }

    /// The slot of the node with this identity.
    pub(crate) fn slot_of(&self, id: &NodeId) -> Option<Slot> {
        self.by_id.get(id).copied()
    }

    /// The slot of this life, if it is the one that we know of its node.
    pub(crate) fn slot_of_life(&self, creation: Creation) -> Option<Slot> {
        self.by_life.get(&creation).copied()
    }

    /// The member with this identity.
    pub(crate) fn by_id(&self, id: &NodeId) -> Option<(Slot, &Member)> {
        let slot = self.slot_of(id)?;
        Some((slot, self.get(slot)?))
    }

    /// This life, if it is the one that we know of its node.
    pub(crate) fn by_life(&self, creation: Creation) -> Option<(Slot, &Member)> {
        let slot = self.slot_of_life(creation)?;
        Some((slot, self.get(slot)?))
    }

    /// Where the member in a slot stands on the rings.
    pub(crate) fn place(&self, slot: Slot) -> Option<Place> {
        let creation = self.get(slot)?.creation();
        Some(Place { creation, slot })
    }

    /// All members, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Member)> {
        let slots = (0..).map(Slot).zip(&self.slots);
        slots.filter_map(|(slot, member)| Some((slot, member.as_ref()?)))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether somebody must be forgotten before a further node is added.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= MEMBERS_MAX
    }
}
