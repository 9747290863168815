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

    /// Who is to be told that this life of a node was heard of.
    pub(super) fn answer(&mut self, about: Creation, now: Instant) -> Vec<SessionId> {
        if self.0.is_empty() {
            return Vec::new();
        }
        self.0.retain(|inquiry| inquiry.until >= now);
        let answered = self.0.extract_if(.., |inquiry| inquiry.about == about);
        answered.map(|inquiry| inquiry.asker).collect()
    }
}
