//! Nobody is down for silence before it was silent for all intervals but one.

use std::time::Duration;

use noex_core::NodeDownReason;

use super::Invariant;
use crate::truth::{Told, Truth, What};

/// What clocks may differ by, and what a message takes.
const SLACK: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct NeverEarly;

impl Invariant for NeverEarly {
    fn name(&self) -> &'static str {
        "never down before (M - 1) intervals"
    }

    fn saw(&mut self, told: &Told, truth: &Truth) -> Result<(), String> {
        let What::Down(NodeDownReason::HeartbeatTimeout) = told.what else {
            return Ok(());
        };
        let (to, about) = (truth.life(told.to), truth.life(told.about));
        let since = about.silent_since.or(about.ended_at).or(to.silent_since);
        let Some(since) = since else {
            return Err(format!(
                "{:?} takes {:?} for down, which never was silent",
                told.to, told.about
            ));
        };
        let after = told.at - since;
        // Clocks that run at another rate measure another time.
        let earliest = truth.patience.mul_f64(0.98).saturating_sub(SLACK);
        if after >= earliest {
            return Ok(());
        }
        Err(format!(
            "{:?} takes {:?} for down after {after:?}",
            told.to, told.about
        ))
    }
}
