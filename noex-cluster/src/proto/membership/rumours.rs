//! Pure: how other nodes fare, as far as it was heard of late; a few of them are told on.

use std::collections::VecDeque;
use std::time::Instant;

use rand::RngExt;

use super::message::{REPORTS_MAX, Report};

/// The most reports that are kept to be told on.
const RUMOURS_MAX: usize = 64;

/// Reports of how others fare, with the time at which each was true.
#[derive(Debug, Default)]
pub(super) struct Rumours(VecDeque<(Report, Instant)>);

impl Rumours {
    /// Something was heard of a node.
    pub(super) fn add(&mut self, report: Report, now: Instant) {
        if self.0.len() >= RUMOURS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((report, now));
    }

    /// Some of what was heard, at random.
    pub(super) fn choose(&self, now: Instant, rng: &mut impl RngExt) -> Vec<Report> {
        let count = REPORTS_MAX.min(self.0.len());
        let mut chosen: Vec<Report> = Vec::with_capacity(count);
        for _ in 0..count {
            let (report, at) = &self.0[rng.random_range(0..self.0.len())];
            if !chosen.iter().any(|c| c.creation == report.creation) {
                let since = now.saturating_duration_since(*at);
                chosen.push(Report {
                    age: report.age.saturating_add(since),
                    ..*report
                });
            }
        }
        chosen
    }
}
