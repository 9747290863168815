//! Pure: `Intensity`, how many restarts in how much time are too many.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many restarts a supervisor bears unless told otherwise.
const RESTARTS_DEFAULT: usize = 3;

/// In how much time.
const PERIOD_DEFAULT: Duration = Duration::from_secs(5);

/// A window over the latest restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intensity {
    restarts_max: usize,
    period: Duration,
    restarts: VecDeque<Instant>,
}

impl Default for Intensity {
    fn default() -> Self {
        Self::new(RESTARTS_DEFAULT, PERIOD_DEFAULT)
    }
}

impl Intensity {
    pub(crate) const fn new(restarts_max: usize, period: Duration) -> Self {
        Self {
            restarts_max,
            period,
            restarts: VecDeque::new(),
        }
    }

    /// Counts a restart at `now`. `false`: it is one too many.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let over = |then: &Instant| now.duration_since(*then) > self.period;
        while self.restarts.front().is_some_and(over) {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= self.restarts_max {
            return false;
        }
        self.restarts.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_count_while_they_are_in_the_period() {
        let start = tokio::time::Instant::now().into_std();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut intensity = Intensity::new(2, Duration::from_secs(5));
        assert!(intensity.admit(at(0)));
        assert!(intensity.admit(at(3)));
        assert!(!intensity.admit(at(5)));
        assert!(intensity.admit(at(6)));
        assert!(!intensity.admit(at(7)));
    }

    #[test]
    fn an_intensity_of_none_admits_none() {
        let now = tokio::time::Instant::now().into_std();
        assert!(!Intensity::new(0, Duration::from_secs(5)).admit(now));
    }
}
