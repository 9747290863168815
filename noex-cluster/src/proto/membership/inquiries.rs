//! Pure: who asked this node whether another one lives, and gets to know once it is heard of.

use std::time::Instant;

use noex_core::Creation;

use super::output::SessionId;

/// The most questions that are kept; the oldest one goes first.
const INQUIRIES_MAX: usize = 64;

/// Questions that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Inquiries(Vec<Inquiry>);

#[derive(Debug, Clone, Copy)]
struct Inquiry {
    about: Creation,
    asker: SessionId,
    until: Instant,
}

impl Inquiries {
    /// Somebody asks; an answer that comes after `until` is of no use.
    pub(super) fn add(&mut self, about: Creation, asker: SessionId, until: Instant) {
        if self.0.len() >= INQUIRIES_MAX {
            self.0.remove(0);
        }
        self.0.push(Inquiry {
            about,
            asker,
            until,
        });
    }

    /// The questions that nothing was heard in answer to in time: about whom, and who asked.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<(Creation, SessionId)> {
        let overdue = self.0.extract_if(.., |inquiry| inquiry.until <= now);
        overdue
            .map(|inquiry| (inquiry.about, inquiry.asker))
            .collect()
    }

    /// When the next question is overdue.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.0.iter().map(|inquiry| inquiry.until).min()
    }

    /// Who is to be told that this life of a node was heard of.
    pub(super) fn answer(&mut self, about: Creation) -> Vec<SessionId> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let answered = self.0.extract_if(.., |inquiry| inquiry.about == about);
        answered.map(|inquiry| inquiry.asker).collect()
    }
}
