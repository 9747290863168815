//! Pure: news that waits to be flooded, and when it goes out.

use std::time::{Duration, Instant};

use super::message::News;
use super::output::SessionId;

/// The least time between two floods: what comes in between goes out together.
const BATCH: Duration = Duration::from_millis(20);

/// News that waits to be flooded.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Vec<Item>,
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

    /// All that waits, if it is due; it counts as sent.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Item> {
        if self.waiting.is_empty() || self.sent_at.is_some_and(|at| at + BATCH > now) {
            return Vec::new();
        }
        self.sent_at = Some(now);
        std::mem::take(&mut self.waiting)
    }

    /// When what waits is due, if it is not due at once because nothing went out just before.
    pub(super) fn timeout(&self) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        self.sent_at.map(|at| at + BATCH)
    }
}

#[cfg(test)]
mod tests {
    use noex_core::Creation;

    use super::*;

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
}
