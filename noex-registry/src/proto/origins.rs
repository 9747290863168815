//! Pure: how much is known of each other node's entries, and what is awaited from it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use noex_core::Creation;

use super::entry::Key;
use super::message::{Delta, State};

/// How long a gap may last before the full state is fetched: floods may overtake each other.
const GAP_PATIENCE: Duration = Duration::from_millis(200);

/// How long the first answer to a fetch is awaited; the double each time after.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(32);

/// How many deltas of a node are kept until the one before them comes.
const AHEAD_MAX: usize = 64;

/// The other nodes that are up.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    known: BTreeMap<Creation, Origin>,
    /// The nodes whose full state is to be asked for when the time has come.
    waits: BTreeMap<Creation, Wait>,
}

#[derive(Debug, Default)]
struct Origin {
    version: u64,
    /// Deltas that came too early, by the version that they apply to.
    ahead: BTreeMap<u64, Delta>,
    /// The first parts of a state.
    parts: Option<State>,
    /// It wants to know when its entries are known in this version.
    unconfirmed: Option<u64>,
}

/// What a part of a state makes with those before it.
#[derive(Debug)]
pub(crate) enum Part {
    /// All of the state.
    Whole(State),
    /// What is behind this key has to be fetched.
    More { origin: Creation, last: Key },
}

#[derive(Debug)]
struct Wait {
    deadline: Instant,
    patience: Duration,
    /// How often somebody was asked.
    times: u32,
}

impl Origins {
    pub(crate) fn up(&mut self, origin: Creation) {
        self.known.entry(origin).or_default();
    }

    pub(crate) fn down(&mut self, origin: Creation) {
        self.known.remove(&origin);
        self.waits.remove(&origin);
    }

    /// Somebody is asked for the entries of `origin`; that is repeated until the answer comes.
    pub(crate) fn asked(&mut self, origin: Creation, now: Instant) {
        let wait = Wait {
            deadline: now + RETRY_MIN,
            patience: RETRY_MIN * 2,
            times: 1,
        };
        self.waits.insert(origin, wait);
    }

    /// Whether a delta says what is not known yet, and will be kept. One of a node that is not up
    /// says nothing: the node's state is fetched when it is. Nor does one that leads further than
    /// to the next version: all that its owner says later would count as old.
    pub(crate) fn is_news(&self, delta: &Delta) -> bool {
        self.known.get(&delta.origin).is_some_and(|origin| {
            let has_room = delta.before == origin.version || origin.ahead.len() < AHEAD_MAX;
            let is_kept = origin.ahead.contains_key(&delta.before);
            let is_next = delta.before.checked_add(1) == Some(delta.after);
            is_next && delta.after > origin.version && has_room && !is_kept
        })
    }

    /// Takes a delta that is news. Those that can be applied now, in order.
    pub(crate) fn take_delta(&mut self, delta: Delta, now: Instant) -> Vec<Delta> {
        let from = delta.origin;
        let Some(origin) = self.known.get_mut(&from) else {
            return Vec::new();
        };
        origin.ahead.insert(delta.before, delta);
        let ready = origin.take_ready();
        if origin.ahead.is_empty() {
            self.waits.remove(&from);
        } else {
            self.waits.entry(from).or_insert(Wait {
                deadline: now + GAP_PATIENCE,
                patience: RETRY_MIN,
                times: 0,
            });
        }
        ready
    }

    /// Takes a part of a state of a node that is up. The whole has the version of its first part:
    /// what changed while the others were fetched is in the deltas that are applied behind it.
    pub(crate) fn take_part(&mut self, part: State, now: Instant) -> Option<Part> {
        let from = part.origin;
        let origin = self.known.get_mut(&from)?;
        let state = match (part.after.as_ref(), origin.parts.take()) {
            (None, _) => part,
            // Whoever sends it knows at least what the first part's sender did.
            (Some(after), Some(mut parts))
                if parts.last().as_ref() == Some(after) && part.version >= parts.version =>
            {
                parts.has_more = part.has_more && !part.entries.is_empty();
                parts.entries.extend(part.entries);
                parts
            }
            // Of another round, which was begun anew meanwhile.
            (Some(_), parts) => {
                origin.parts = parts;
                return None;
            }
        };
        match state.last() {
            Some(last) if state.has_more && state.version > origin.version => {
                origin.parts = Some(state);
                self.asked(from, now);
                Some(Part::More { origin: from, last })
            }
            Some(_) | None => Some(Part::Whole(state)),
        }
    }

    /// Takes the version of a full state. If the state is news, the deltas to be applied behind
    /// it.
    pub(crate) fn take_state(&mut self, from: Creation, version: u64) -> Option<Vec<Delta>> {
        let origin = self.known.get_mut(&from)?;
        if version < origin.version {
            return None;
        }
        let is_news = version > origin.version;
        origin.version = version;
        let ready = origin.take_ready();
        if origin.ahead.is_empty() {
            self.waits.remove(&from);
        }
        is_news.then_some(ready)
    }

    /// A node wants to know when its entries are known in this version.
    pub(crate) fn asked_to_confirm(&mut self, origin: Creation, version: u64) {
        if let Some(origin) = self.known.get_mut(&origin) {
            origin.unconfirmed = Some(version);
        }
    }

    /// The version in which the entries of `origin` are known, if it waits to hear that.
    pub(crate) fn take_confirmed(&mut self, origin: Creation) -> Option<u64> {
        let origin = self.known.get_mut(&origin)?;
        let version = origin.version;
        let asked = origin.unconfirmed.take_if(|asked| *asked <= version);
        asked.map(|_| version)
    }

    /// The nodes whose entries must be asked for now, and how often they were.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<(Creation, u32)> {
        let due = self
            .waits
            .iter_mut()
            .filter(|(_, wait)| wait.deadline <= now);
        due.map(|(origin, wait)| {
            wait.deadline = now + wait.patience;
            wait.patience = RETRY_MAX.min(wait.patience * 2);
            let times = wait.times;
            wait.times = times.saturating_add(1);
            (*origin, times)
        })
        .collect()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waits.values().map(|wait| wait.deadline).min()
    }

    pub(crate) fn is_awaited(&self, origin: Creation) -> bool {
        self.waits.contains_key(&origin)
    }

    /// The version known of a node that is up.
    pub(crate) fn version(&self, origin: Creation) -> Option<u64> {
        self.known.get(&origin).map(|origin| origin.version)
    }

    pub(crate) fn versions(&self) -> impl Iterator<Item = (Creation, u64)> {
        let known = self.known.iter();
        known.map(|(origin, known)| (*origin, known.version))
    }
}

impl Origin {
    /// Takes out the deltas that follow the known version without a gap.
    fn take_ready(&mut self) -> Vec<Delta> {
        let mut ready = Vec::new();
        self.ahead.retain(|_, delta| delta.after > self.version);
        while let Some(delta) = self.ahead.remove(&self.version) {
            self.version = delta.after;
            ready.push(delta);
        }
        ready
    }
}
