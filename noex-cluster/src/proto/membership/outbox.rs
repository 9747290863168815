//! Pure: news that waits to be flooded, and when it goes out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use noex_core::Creation;

use super::message::{News, Vote};
use super::output::SessionId;

/// The least time between two floods: what comes in between goes out together.
const BATCH: Duration = Duration::from_millis(20);

/// News that waits to be flooded.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Vec<Item>,
    /// Votes that are passed on a little later, and when.
    held: VecDeque<(Instant, Vote, Option<SessionId>)>,
    sent_at: Option<Instant>,
}

/// News, and from whom it came.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// What is told.
    pub news: News,
    /// Who told it, and need not hear it.
    pub from: Option<SessionId>,
}

impl Outbox {
    /// Adds news.
    pub(super) fn push(&mut self, news: News, from: Option<SessionId>) {
        self.waiting.push(Item { news, from });
    }

    /// Adds a vote that is passed on after this time, and so much older, unless it is
    /// [revoked](Self::revoke) by then. The time must always be the same.
    pub(super) fn hold(
        &mut self,
        vote: Vote,
        from: Option<SessionId>,
        now: Instant,
        time: Duration,
    ) {
        let age = vote.age.saturating_add(time);
        self.held
            .push_back((now + time, Vote { age, ..vote }, from));
    }

    /// Drops the votes against a member that were not passed on yet. How many there were.
    pub(super) fn revoke(&mut self, suspect: Creation) -> usize {
        let before = self.held.len();
        self.held
            .retain(|(_, vote, _)| vote.suspect.creation != suspect);
        before - self.held.len()
    }

    /// All that waits, if it is due; it counts as sent.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Item> {
        while let Some((_, vote, from)) = self.held.pop_front_if(|(at, _, _)| *at <= now) {
            self.push(News::Vote(vote), from);
        }
        if self.waiting.is_empty() || self.sent_at.is_some_and(|at| at + BATCH > now) {
            return Vec::new();
        }
        self.sent_at = Some(now);
        std::mem::take(&mut self.waiting)
    }

    /// When what waits is due, if it is not due at once because nothing went out just before.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let held = self.held.front().map(|(at, _, _)| *at);
        if self.waiting.is_empty() {
            return held;
        }
        let next = self.sent_at.map(|at| at + BATCH);
        next.into_iter().chain(held).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::membership::message::{Cause, Life};

    #[test]
    fn the_first_news_goes_out_at_once_and_later_ones_together() {
        let now = tokio::time::Instant::now().into_std();
        let mut outbox = Outbox::default();
        let news = |bits| News::Present(Creation::from_bits(bits));
        outbox.push(news(1), None);
        assert_eq!(outbox.take_due(now).len(), 1);
        outbox.push(news(2), None);
        outbox.push(news(3), None);
        assert_eq!(outbox.take_due(now).len(), 0);
        assert_eq!(outbox.timeout(), Some(now + BATCH));
        assert_eq!(outbox.take_due(now + BATCH).len(), 2);
        assert_eq!(outbox.timeout(), None);
    }

    #[test]
    fn a_vote_that_is_held_goes_out_older_unless_it_is_revoked() {
        let now = tokio::time::Instant::now().into_std();
        let (age, time) = (Duration::from_secs(4), Duration::from_millis(100));
        let vote = |suspect| Vote {
            suspect: Life {
                creation: Creation::from_bits(suspect),
                incarnation: 0,
            },
            voter: Creation::from_bits(9),
            age,
            cause: Cause::Silent,
        };
        let mut outbox = Outbox::default();
        for suspect in [1, 2] {
            outbox.hold(vote(suspect), None, now, time);
        }
        assert_eq!(outbox.revoke(Creation::from_bits(1)), 1);
        assert_eq!(outbox.take_due(now).len(), 0);
        assert_eq!(outbox.timeout(), Some(now + time));
        let age = age + time;
        let told: Vec<News> = outbox
            .take_due(now + time)
            .into_iter()
            .map(|i| i.news)
            .collect();
        assert_eq!(told, [News::Vote(Vote { age, ..vote(2) })]);
        assert_eq!(outbox.timeout(), None);
    }
}
